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
  /// A tensor whose name is not PEFT's for a linear map of a block.
  package var foreignTensor: String?

  /// Looks at names and shapes.
  ///
  /// - Throws: ``AdapterFolderError`` for tensors that do not fit together, and what reading the header throws.
  package init(_ adapter: AdapterFolder) throws {
    (blocks, maps) = (0, [:])
    let names = adapter.file.names.sorted()
    let places = names.compactMap { name in AdapterPlace(name).map { (name: name, place: $0) } }
    guard !places.isEmpty else {
      foreignTensor = names.first
      return
    }
    var problems = Set(names).subtracting(places.map(\.name)).sorted().map {
      AdapterFolderError.Problem.unmatchedTensor($0, nearest: nil)
    }
    blocks = (places.map(\.place.layer).max() ?? 0) + 1
    let rank = adapter.configuration.rank
    var layers: [String: Set<Int>] = [:]
    var examples: [String: AdapterPlace] = [:]
    for (name, place) in places {
      layers[place.map, default: []].insert(place.layer)
      examples[place.map] = place
      let shape = try adapter.file.entry(name).shape
      let (size, ranks) = place.isA ? (shape.last ?? 0, shape.first ?? 0) : (shape.first ?? 0, shape.last ?? 0)
      var known = maps[place.map] ?? [0, 0]
      let index = place.isA ? 1 : 0
      if known[index] == 0 { known[index] = size }
      maps[place.map] = known
      if shape.count != 2 || ranks != rank || size != known[index] {
        let wanted = place.isA ? [rank, known[index]] : [known[index], rank]
        problems.append(.wrongShape(tensor: name, wanted: wanted, found: shape))
      }
      let partner = place.isA ? place.names.b : place.names.a
      if !adapter.has(partner) { problems.append(.missingTensor(partner)) }
    }
    for (map, place) in examples.sorted(by: { $0.key < $1.key }) {
      let missing = (0..<blocks).first { layers[map]?.contains($0) != true }
      if let missing { problems.append(.missingTensor(place.names(layer: missing).a)) }
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
    let theirs = model.maps
    if let foreignTensor, let map = theirs.first {
      let example = LanguageModel.adapterNames(model.moduleName(map.name, layer: 0)).a
      return "it names its tensors otherwise than PEFT does: `\(foreignTensor)` instead of names like `\(example)`"
    }
    for map in theirs {
      guard let own = maps[map.shortName], own != [map.outputs, map.inputs] else { continue }
      return "its `\(map.shortName)` is \(own), the model's is \([map.outputs, map.inputs])"
    }
    let known = Set(theirs.map(\.shortName))
    if let other = maps.keys.filter({ !known.contains($0) }).min() { return "the model has no `\(other)`" }
    return blocks == model.blocks.count ? nil : "it has \(blocks) blocks, the model has \(model.blocks.count)"
  }
}

/// Where a tensor of an adapter belongs, by PEFT's name.
private struct AdapterPlace {
  /// Hugging Face's name of the linear map.
  let module: String
  let layer: Int
  /// The map's short name.
  let map: String
  let isA: Bool

  /// Nil for a name that is not `base_model.model.….<layer>.….lora_A.weight`.
  init?(_ name: String) {
    module = LanguageModel.module(ofAdapterTensor: name)
    let names = LanguageModel.adapterNames(module)
    guard name == names.a || name == names.b else { return nil }
    let parts = module.split(separator: ".")
    // Names from torch.compile say so.
    guard !parts.contains("_orig_mod"), let layer = parts.firstIndex(where: { Int($0) != nil }),
      layer + 1 < parts.count,
      let number = Int(parts[layer]), number >= 0, number < 1 << 20, let last = parts.last
    else { return nil }
    (self.layer, map, isA) = (number, String(last), name == names.a)
  }

  var names: (a: String, b: String) { LanguageModel.adapterNames(module) }

  /// The names of the same map's matrices in another block.
  func names(layer other: Int) -> (a: String, b: String) {
    let parts = module.split(separator: ".").map { $0 == "\(layer)" ? "\(other)" : String($0) }
    return LanguageModel.adapterNames(parts.joined(separator: "."))
  }
}
