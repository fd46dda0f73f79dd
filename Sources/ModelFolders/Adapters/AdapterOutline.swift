import LanguageModels
import PreciseJSON
import TensorFiles

/// What an adapter's tensors say about the model that it was made for: how many blocks, and the shapes of linear maps.
///
/// Small enough to be remembered, so that a plan can hold an adapter against a base without opening it again.
package struct AdapterOutline: Sendable, Hashable {
  package var blocks: Int
  /// The shape [out, in] of each adapted linear map, by its short name; all blocks have the same.
  package var maps: [String: [Int]]
  /// A tensor whose name is not PEFT's for any linear map known here.
  package var foreignTensor: String?

  /// - Throws: What ``AdapterFolder/init(_:)`` and reading the header throw.
  package init(_ adapter: AdapterFolder) throws {
    let kinds = ProjectionKind.allCases.filter { adapter.configuration.targets.contains($0) }
    var maps: [String: [Int]] = [:]
    var blocks = 0
    while let first = kinds.first, adapter.has(LanguageModel.adapterNames(first, layer: blocks).a) { blocks += 1 }
    for kind in kinds {
      let names = LanguageModel.adapterNames(kind, layer: 0)
      guard adapter.has(names.a), adapter.has(names.b) else { continue }
      let (a, b) = (try adapter.file.entry(names.a).shape, try adapter.file.entry(names.b).shape)
      guard let inputs = a.last, let outputs = b.first else { continue }
      maps[kind.shortName] = [outputs, inputs]
    }
    (self.blocks, self.maps) = (blocks, maps)
    foreignTensor = blocks == 0 ? adapter.file.names.min() : nil
    if blocks > 0 { try check(adapter, kinds) }
  }

  /// Checks that the tensors are those that the configuration and the first block speak of, in every block.
  private func check(_ adapter: AdapterFolder, _ kinds: [ProjectionKind]) throws {
    var problems: [AdapterFolderError.Problem] = []
    var expected: Set<String> = []
    let rank = adapter.configuration.rank
    for block in 0..<blocks {
      for kind in kinds {
        guard let map = maps[kind.shortName] else { continue }
        let names = LanguageModel.adapterNames(kind, layer: block)
        for (name, wanted) in [(names.a, [rank, map[1]]), (names.b, [map[0], rank])] {
          expected.insert(name)
          guard adapter.has(name) else {
            problems.append(.missingTensor(name))
            continue
          }
          let found = try adapter.file.entry(name).shape
          if found != wanted { problems.append(.wrongShape(tensor: name, wanted: wanted, found: found)) }
        }
      }
    }
    for name in adapter.file.names where !expected.contains(name) {
      problems.append(.unmatchedTensor(name, nearest: nil))
    }
    guard problems.isEmpty else { throw AdapterFolderError(adapter.path, problems: problems) }
  }

  /// Reads what ``json`` wrote; nil for anything else.
  package init?(json: JSON) {
    guard let blocks = json["blocks"]?.int, let members = json["maps"]?.object?.members else { return nil }
    self.blocks = blocks
    foreignTensor = json["foreign_tensor"]?.string
    maps = Dictionary(members.map { ($0.key, ($0.value.array ?? []).compactMap(\.int)) }) { first, _ in first }
  }

  package var json: JSON {
    var members: [(key: String, value: JSON)] = [
      ("blocks", JSON(blocks)),
      ("maps", JSON(maps.sorted { $0.key < $1.key }.map { (key: $0.key, value: .array($0.value.map { JSON($0) })) })),
    ]
    if let foreignTensor { members.append(("foreign_tensor", JSON(foreignTensor))) }
    return JSON(members)
  }

  /// In which way a model is not the one that the adapter was made for; nil where nothing speaks against it.
  package func mismatch(with model: ModelConfiguration) -> String? {
    if let foreignTensor {
      let example = LanguageModel.adapterNames(ProjectionKind.allCases[0], layer: 0).a
      return "it names its tensors otherwise than PEFT does: `\(foreignTensor)` instead of names like `\(example)`"
    }
    for kind in ProjectionKind.allCases {
      guard let own = maps[kind.shortName] else { continue }
      let theirs = model.shape(of: kind)
      if own != theirs { return "its `\(kind.shortName)` is \(own), the model's is \(theirs)" }
    }
    return blocks == model.layerCount ? nil : "it has \(blocks) blocks, the model has \(model.layerCount)"
  }
}
