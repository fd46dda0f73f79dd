import LanguageModels
import Tensors

/// The matrices that stand out of their noise (Spectrum, arXiv:2406.06623).
package struct SpectrumParts: TrainedParts, Hashable {
  package static let name = "spectrum"
  package static let doc =
    "takes the matrices of each kind with the best ratio of signal to noise (Spectrum, arXiv:2406.06623)"

  package var percent = 50.0
  package var trainsEnds = true

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number(
      "top_percent", \.percent, SettingRange(lower: 0, upper: 100, excludesLower: true),
      doc: "How many of the matrices of each kind, such as `mlp.down_proj`, are trained, rounded down"),
    .flag(
      "embeddings", \.trainsEnds,
      doc: "Whether the embedding and a head of its own are trained as well, as the authors do; norms and biases never "
        + "are"),
  ]

  /// The matrices that are compared: those of blocks, but for experts that share a tensor.
  package static func scanned(_ model: ModelConfiguration) -> [TensorSpecification] {
    model.tensors.filter { $0.layer != nil && $0.role.kind == .matrix && $0.shape.count == 2 }
  }

  package func selection(of model: KnownModel) throws -> PartSelection {
    var kinds: [String: [TensorSpecification]] = [:]
    var order: [String] = []
    for tensor in Self.scanned(model.configuration) {
      if kinds[tensor.moduleInBlock] == nil { order.append(tensor.moduleInBlock) }
      kinds[tensor.moduleInBlock, default: []].append(tensor)
    }
    var chosen: Set<String> = []
    for kind in order {
      let ranked = try (kinds[kind] ?? []).enumerated().map { ($0, try model.ratio($1), $1.name) }
        .sorted { $0.1 == $1.1 ? $0.0 < $1.0 : $0.1 > $1.1 }
      chosen.formUnion(ranked.prefix(Int(Double(ranked.count) * percent / 100)).map(\.2))
    }
    return try PartSelection(model.configuration) { tensor in
      chosen.contains(tensor.name)
        || trainsEnds && (tensor.role == .embedding || tensor.role == .head)
    }
  }
}
