import LanguageModels
import PreciseJSON
import TensorFiles

/// What an adapter's tensors say about the model that it was made for: how many blocks, and the shapes of linear maps.
///
/// Small enough to be remembered, so that a plan can hold an adapter against a base without opening it again.
package struct AdapterOutline: Sendable, Hashable {
  /// One more than the number of the last block that has a tensor.
  package var blocks: Int
  /// Whether every block has its tensors.
  package var coversBlocks: Bool
  /// The shape [out, in] of each adapted linear map, by its short name; all blocks have the same.
  ///
  /// 0 is for an extent that no tensor speaks of.
  package var maps: [String: [Int]]
  /// A tensor whose name is not PEFT's for a linear map of a block.
  package var foreignTensor: String?
  /// How many learned tokens stand before every text, and how many numbers each has; nil where none do.
  package var virtualTokens: [Int]?
  /// Whether these are keys and values of every layer.
  package var standsInLayers = false

  /// Looks at names and shapes.
  ///
  /// - Throws: ``AdapterFolderError`` for tensors that do not fit together, and what reading the header throws.
  package init(_ adapter: AdapterFolder) throws {
    (blocks, maps) = (0, [:])
    let configuration = adapter.configuration
    coversBlocks = configuration.selection.namesMapsAlone
    let suffixes = configuration.method.suffixes
    let names = adapter.file.names.sorted()
    let places = names.compactMap { name in AdapterPlace(name, suffixes).map { (name: name, place: $0) } }
    if let method = configuration.method as? any PromptMethod {
      let shapes = try names.map { ($0, try adapter.file.entry($0).shape) }
      virtualTokens = [
        method.virtualTokens, method.width(in: Dictionary(shapes) { first, _ in first }) ?? 0,
      ]
      standsInLayers = type(of: method).standsInLayers
      coversBlocks = false
      return
    }
    guard !places.isEmpty else {
      foreignTensor = names.first
      return
    }
    let others = Set(names).subtracting(places.map(\.name)).filter { !configuration.mayHave($0) }
    var problems = others.sorted().map { AdapterFolderError.Problem.unmatchedTensor($0, nearest: nil) }
    blocks = (places.map(\.place.layer).max() ?? 0) + 1
    var layers: [String: Set<Int>] = [:]
    var examples: [String: AdapterPlace] = [:]
    let modules = Dictionary(grouping: places, by: \.place.module)
    for (_, group) in modules.sorted(by: { $0.key < $1.key }) {
      guard let place = group.first?.place else { continue }
      layers[place.map, default: []].insert(place.layer)
      examples[place.map] = place
      var shapes: [String: [Int]] = [:]
      for (name, place) in group { shapes[place.suffix] = try adapter.file.entry(name).shape }
      problems += check(shapes, of: place, configuration.method)
    }
    if coversBlocks {
      for (map, place) in examples.sorted(by: { $0.key < $1.key }) {
        guard let missing = (0..<blocks).first(where: { layers[map]?.contains($0) != true }) else { continue }
        problems.append(.missingTensor(place.name(suffixes.first ?? "", layer: missing)))
      }
    }
    guard problems.isEmpty else { throw AdapterFolderError(adapter.path, problems: problems) }
  }

  /// Holds the tensors of a map against each other and against the same map in other blocks.
  private mutating func check(
    _ shapes: [String: [Int]], of place: AdapterPlace, _ method: any AdapterMethod
  ) -> [AdapterFolderError.Problem] {
    let found = method.extents(shapes)
    var known = maps[place.map] ?? [0, 0]
    if known[0] == 0 { known[0] = found.outputs }
    if known[1] == 0 { known[1] = found.inputs }
    maps[place.map] = known
    let map = AdaptedMap(module: place.module, inputs: known[1], outputs: known[0])
    return method.tensors(of: map).compactMap { tensor in
      let name = map.name(of: tensor.name)
      guard let shape = shapes[tensor.name] else { return .missingTensor(name) }
      return shape == tensor.shape ? nil : .wrongShape(tensor: name, wanted: tensor.shape, found: shape)
    }
  }

  /// Reads what ``json`` wrote; nil for anything else.
  package init?(json: JSON) {
    guard let blocks = json["blocks"]?.int, let members = json["maps"]?.object?.members else { return nil }
    self.blocks = blocks
    coversBlocks = json["covers_blocks"]?.bool ?? true
    foreignTensor = json["foreign_tensor"]?.string
    virtualTokens = json["virtual_tokens"]?.array?.compactMap(\.int)
    standsInLayers = json["in_layers"]?.bool ?? false
    maps = Dictionary(members.map { ($0.key, ($0.value.array ?? []).compactMap(\.int)) }) { first, _ in first }
  }

  package var json: JSON {
    var members: [(key: String, value: JSON)] = [
      ("blocks", JSON(blocks)),
      ("maps", JSON(maps.sorted { $0.key < $1.key }.map { (key: $0.key, value: .array($0.value.map { JSON($0) })) })),
    ]
    if !coversBlocks { members.append(("covers_blocks", JSON(false))) }
    if let foreignTensor { members.append(("foreign_tensor", JSON(foreignTensor))) }
    if let virtualTokens { members.append(("virtual_tokens", .array(virtualTokens.map { JSON($0) }))) }
    if standsInLayers { members.append(("in_layers", true)) }
    return JSON(members)
  }

  /// In which way a model is not the one that the adapter was made for; nil where nothing speaks against it.
  package func mismatch(with model: ModelConfiguration) -> String? {
    if let virtualTokens {
      let method: any PromptMethod =
        standsInLayers ? PrefixTuning(virtualTokens: virtualTokens[0]) : PromptTuning(virtualTokens: virtualTokens[0])
      let (own, wanted) = (virtualTokens.last ?? 0, model.width(of: method))
      return own == wanted ? nil : "its tokens have \(own) numbers, the model wants \(wanted)"
    }
    let theirs = model.maps
    if let foreignTensor, let map = theirs.first {
      let example = AdaptedMap.prefix + model.moduleName(map.name, layer: 0) + "." + LoRA.suffixA
      return "it names its tensors otherwise than PEFT does: `\(foreignTensor)` instead of names like `\(example)`"
    }
    for map in theirs {
      let shape = [map.outputs, map.inputs]
      guard let own = maps[map.shortName] else { continue }
      let known = zip(own, shape).map { $0 == 0 ? $1 : $0 }
      guard known != shape else { continue }
      return "its `\(map.shortName)` is \(known), the model's is \(shape)"
    }
    let known = Set(theirs.map(\.shortName))
    if let other = maps.keys.filter({ !known.contains($0) }).min() { return "the model has no `\(other)`" }
    let fits = coversBlocks ? blocks == model.blocks.count : blocks <= model.blocks.count
    return fits ? nil : "it has \(blocks) blocks, the model has \(model.blocks.count)"
  }
}

extension AdapterSelection {
  /// Whether it names maps by what they are called in every block.
  fileprivate var namesMapsAlone: Bool {
    guard layers.isEmpty, excluded == nil else { return false }
    switch targets {
    case .allLinear: return true
    case .pattern: return false
    case .list(let names): return !names.contains { $0.split(separator: ".").contains { Int($0) != nil } }
    }
  }
}

extension AdapterConfiguration {
  /// Whether a tensor that stands beside no map of a block may be the adapter's.
  fileprivate func mayHave(_ name: String) -> Bool {
    if method.sharedTensors(of: []).contains(where: { AdaptedMap.root + $0.name == name }) { return true }
    guard name.hasPrefix(AdaptedMap.prefix) else { return false }
    let module = name.dropFirst(AdaptedMap.prefix.count).split(separator: ".").dropLast().joined(separator: ".")
    // A head that is the embedding is saved as well.
    let isOutside = !module.split(separator: ".").contains { Int($0) != nil }
    return !base.modules.isEmpty && isOutside
      || !base.tokens.isEmpty && name.hasSuffix(".token_adapter.trainable_tokens_delta")
      || base.trains(module: module) || base.biases != .none && name.hasSuffix(".bias")
  }
}
