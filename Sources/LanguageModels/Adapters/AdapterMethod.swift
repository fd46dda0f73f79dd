import PreciseJSON
import Tensors

/// A way to train little in place of linear maps: LoRA, DoRA, IA3 and the like; ``AdapterMethods`` lists them.
///
/// A method says which tensors stand beside a map, what they are before training, and what computes with them. Tensors have
/// PEFT's names.
package protocol AdapterMethod: Sendable, Hashable {
  /// What pipelines call it.
  static var name: String { get }
  /// One sentence for the reference page.
  static var summary: String { get }
  /// The options that it takes, of those that describe what stands beside a map.
  static var options: Set<AdapterOptions.Name> { get }
  /// The block size that it has when nothing is said, for a method that takes one.
  static var usualBlockSize: Int? { get }
  /// Whether it stands beside linear maps; see ``PromptMethod`` for those that do not.
  static var standsBesideMaps: Bool { get }

  init(_ options: AdapterOptions) throws(AdapterError)

  /// The probability that training drops an element of what the adapter reads.
  var dropout: Float { get }
  /// How many tokens that it learns stand before every text.
  var virtualTokens: Int { get }
  /// - Throws: ``AdapterError`` for numbers that no adapter has.
  func validate() throws(AdapterError)
  /// - Throws: ``AdapterError`` where the method cannot stand beside a map.
  func validate(_ map: AdaptedMap) throws(AdapterError)

  /// The tensors beside a map, by what stands after the map's name in theirs.
  func tensors(of map: AdaptedMap) -> [AdapterTensor]
  /// The tensors that all maps share, by what stands after ``AdaptedMap/root``.
  func sharedTensors(of maps: [AdaptedMap]) -> [AdapterTensor]
  /// The first values of ``tensors(of:)``.
  ///
  /// - Parameters:
  ///   - random: The random numbers of a tensor, by its place in the list.
  ///   - weight: Reads the map's weight [out, in].
  /// - Throws: What `weight` throws.
  func start(_ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor) throws -> [Tensor]
  /// The first values of ``tensors(of:)`` from what was found out about the map.
  func start(
    _ map: AdaptedMap, from findings: MapFindings, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor]
  /// The same once all tensors have their first values: without what decided those alone.
  var settled: Self { get }
  /// The first values of ``sharedTensors(of:)``.
  func startShared(_ maps: [AdaptedMap], random: (Int) -> CounterRandom) -> [Tensor]

  /// What computes beside a map.
  ///
  /// - Parameters:
  ///   - parameters: Those of ``tensors(of:)``.
  ///   - shared: Those of ``sharedTensors(of:)``.
  /// - Throws: ``Tensors/TensorError`` where shapes do not fit.
  func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter

  /// How much the tensors change at a map.
  ///
  /// - Parameter values: Those of ``tensors(of:)``, then those of ``sharedTensors(of:)``.
  func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate
  /// What the shapes of a map's tensors say about the map: its extents, 0 for one that no shape depends on.
  ///
  /// - Parameter shapes: By what stands after the map's name.
  func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int)
  /// What stands after a map's name in the names of its tensors: all that ``tensors(of:)`` may have.
  var suffixes: [String] { get }
  /// What it does while it is trained, beside some maps and their tensors; nil for a method that is only computed.
  func course(of maps: [(map: AdaptedMap, parameters: [Parameter])]) -> (any AdapterCourse)?
  /// The same after its training: without what was to happen in it, and without tensors that change nothing.
  ///
  /// - Parameter values: The tensors of a map.
  func trained(_ maps: [AdaptedMap], _ values: (AdaptedMap) throws -> [Tensor]) rethrows -> Self
  /// The tensors of a map in ``trained(_:_:)``.
  func trained(_ map: AdaptedMap, _ values: [Tensor]) -> [Tensor]
  /// The same, said as folders say it for these maps.
  func fitted(to maps: [AdaptedMap]) -> Self
  /// The same as other programs know it, for a base that is left as it is.
  var portable: any AdapterMethod { get }
  /// The tensors of a map in ``portable``.
  func portable(_ values: [Tensor]) -> [Tensor]
  /// The endings of tensors that have no gradient before others have moved.
  static var movesLate: [String] { get }
  /// What `anneal inspect` tells.
  var facts: [(key: String, value: JSON)] { get }
}

extension AdapterMethod {
  package static var standsBesideMaps: Bool { true }
  package static var usualBlockSize: Int? { nil }
  package var dropout: Float { 0 }
  package var virtualTokens: Int { 0 }
  package func validate(_ map: AdaptedMap) throws(AdapterError) {}
  package func start(
    _ map: AdaptedMap, from findings: MapFindings, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] { try start(map, random: random, weight: weight) }
  package var settled: Self { self }
  package func sharedTensors(of maps: [AdaptedMap]) -> [AdapterTensor] { [] }
  package func startShared(_ maps: [AdaptedMap], random: (Int) -> CounterRandom) -> [Tensor] { [] }
  package var suffixes: [String] { tensors(of: AdaptedMap(module: "", inputs: 0, outputs: 0)).map(\.name) }
  package func course(of maps: [(map: AdaptedMap, parameters: [Parameter])]) -> (any AdapterCourse)? { nil }
  package func trained(_ maps: [AdaptedMap], _ values: (AdaptedMap) throws -> [Tensor]) rethrows -> Self { self }
  package func trained(_ map: AdaptedMap, _ values: [Tensor]) -> [Tensor] { values }
  package func fitted(to maps: [AdaptedMap]) -> Self { self }
  package var portable: any AdapterMethod { self }
  package func portable(_ values: [Tensor]) -> [Tensor] { values }
  package static var movesLate: [String] { [] }
  /// What it is called in pipelines.
  package var name: String { Self.name }

  /// Whether it is the same method with the same options.
  func isEqual(_ other: any AdapterMethod) -> Bool { (other as? Self) == self }
}

/// A linear map that an adapter stands beside.
package struct AdaptedMap: Sendable, Hashable {
  /// Hugging Face's name, such as `model.layers.0.self_attn.q_proj`.
  package var module: String
  package var inputs: Int
  package var outputs: Int
  /// Whether files store its weight as [in, out].
  package var isTransposed: Bool

  package init(module: String, inputs: Int, outputs: Int, isTransposed: Bool = false) {
    self.module = module
    self.inputs = inputs
    self.outputs = outputs
    self.isTransposed = isTransposed
  }

  /// What PEFT puts before the names of a model's modules.
  package static let prefix = "base_model.model."
  /// What PEFT puts before the names of tensors that belong to no module.
  package static let root = "base_model."

  /// PEFT's name of a tensor beside the map.
  package func name(of suffix: String) -> String { Self.prefix + module + "." + suffix }

  /// The last part of the name, by which targets are named.
  package var shortName: String { String(module.split(separator: ".").last ?? "") }
}

/// A tensor of an adapter.
package struct AdapterTensor: Sendable, Hashable {
  /// PEFT's, or as much of it as stands after the map's.
  package var name: String
  package var shape: [Int]
  package var kind: Parameter.Kind
  package var isTrained: Bool
  /// Whether folders hold it; otherwise its first values are all that it has.
  package var isStored: Bool

  package init(
    _ name: String, _ shape: [Int], _ kind: Parameter.Kind = .matrix, isTrained: Bool = true, isStored: Bool = true
  ) {
    self.name = name
    self.shape = shape
    self.kind = kind
    self.isTrained = isTrained
    self.isStored = isStored
  }
}

/// What stands beside one linear map of a model in memory.
package protocol MapAdapter {
  /// Its tensors beside the map, in the order of ``AdapterMethod/tensors(of:)``.
  var parameters: [Parameter] { get }
  /// What the map's own product takes along; nothing is wrapped around the map then.
  var fused: LowRankAdapter? { get }
  /// What the map makes of x with the adapter.
  ///
  /// - Parameter base: The map by itself.
  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable
  /// The weight [out, in] of a linear map that does the same by itself.
  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor
  /// The bias of that map.
  func merged(bias: Tensor) -> Tensor
}

extension MapAdapter {
  package var fused: LowRankAdapter? { nil }
  package func merged(bias: Tensor) -> Tensor { bias }
}
