import Tensors

/// One map of one expert, where Hugging Face's files hold those of all experts in a common tensor.
package struct ExpertPart: Sendable, Hashable {
  package enum Map: String, Sendable, Hashable, CaseIterable {
    case gate, up, down
  }

  package var expert: Int
  package var map: Map

  /// What stands behind the name of the common tensor.
  var name: String { "[\(expert)].\(map.rawValue)" }
}

extension ExpertsConfiguration {
  /// A part of a common tensor; nil where each expert has tensors of its own, and for biases that there are not.
  func role(of map: ExpertPart.Map, expert: Int, _ kind: Parameter.Kind = .matrix, layer: Int) -> TensorRole? {
    let part = ExpertPart(expert: expert, map: map)
    switch storage {
    case .each: return nil
    case .stacked(let input, let output):
      let name = map == .down ? output : input
      return kind == .bias ? nil : TensorRole(.block(name, layer: layer), "weight", kind, part: part)
    case .interleaved(let input, let output):
      let name = (map == .down ? output : input) + (kind == .bias ? "_bias" : "")
      return TensorRole(.block(name, layer: layer), "", kind, part: part)
    }
  }

  /// The shape of a map of an expert.
  func shape(of map: ExpertPart.Map) -> [Int] { map == .down ? [width, size] : [size, width] }
}

extension ModelConfiguration {
  /// The parts of common tensors, which are no tensors of Hugging Face's files but are of others.
  package var expertParts: [TensorSpecification] {
    blocks.enumerated().flatMap { layer, block -> [TensorSpecification] in
      guard let experts = block.experts, experts.role(of: .gate, expert: 0, layer: layer) != nil else { return [] }
      return (0..<experts.count).flatMap { expert in
        ExpertPart.Map.allCases.flatMap { map in
          [(Parameter.Kind.matrix, experts.shape(of: map)), (.bias, [experts.shape(of: map)[0]])].compactMap {
            kind, shape in
            experts.role(of: map, expert: expert, kind, layer: layer).map {
              TensorSpecification(name: name(of: $0), role: $0, shape: shape)
            }
          }
        }
      }
    }
  }
}
