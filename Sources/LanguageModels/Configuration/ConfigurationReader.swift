import Diagnostics
import PreciseJSON
import Tensors

/// Reads the values of a configuration one by one and keeps what is wrong with them, so that all of it is told at once.
package struct ConfigurationReader {
  let file: String
  /// The value of a key, nil where it is missing or null.
  let lookup: (String) -> JSON?
  /// Whether a key says null, which families tell from a key that is missing.
  let isNull: (String) -> Bool
  private(set) var problems: [ModelConfigurationError.Problem] = []
  private let asked = AskedKeys()

  private final class AskedKeys {
    var names: Set<String> = []
  }

  init(file: String, lookup: @escaping (String) -> JSON?) {
    self.file = file
    isNull = { lookup($0)?.isNull == true }
    self.lookup = { [asked] key in
      asked.names.insert(key)
      return if let value = lookup(key), !value.isNull { value } else { nil }
    }
  }

  /// The largest extent accepted: far above every model, far below what could overflow a product of three.
  static let limit = 1 << 24
  /// The most blocks accepted; each of them is described by itself.
  static let mostLayers = 10_000

  /// Reports every key that nothing has read and that is not known to leave the numbers alone.
  ///
  /// To be called when all that is computed has been read.
  ///
  /// - Parameters:
  ///   - keys: All keys of the file.
  ///   - prefix: What stands before the names that `known` speaks of; keys without it are passed over.
  mutating func reportUnread(among keys: [String], prefix: String = "", _ known: KnownKeys) {
    for key in keys where key.hasPrefix(prefix) && !asked.names.contains(key) {
      guard let value = lookup(key) else { continue }
      known.problem(String(key.dropFirst(prefix.count)), value, path: key).map { report($0) }
    }
  }

  mutating func report(_ problem: ModelConfigurationError.Problem) {
    if !problems.contains(problem) { problems.append(problem) }
  }

  /// A whole number from 1 to `most`; 1 stands in for what is wrong.
  mutating func positive(_ key: String, default fallback: Int? = nil, atMost most: Int = limit) -> Int {
    guard let value = lookup(key) else {
      if let fallback { return fallback }
      report(.missing(key: key))
      return 1
    }
    return whole(value, key, in: 1...most) ?? 1
  }

  /// A whole number of a range; `fallback` stands in for what is missing or wrong.
  mutating func whole(_ key: String, default fallback: Int, in range: ClosedRange<Int> = 0...limit) -> Int {
    lookup(key).flatMap { whole($0, key, in: range) } ?? fallback
  }

  private mutating func whole(_ value: JSON, _ key: String, in range: ClosedRange<Int>) -> Int? {
    // Some writers give whole numbers a fraction: `2048.0`.
    guard let number = value.int ?? value.double.flatMap(Int.init(exactly:)) else {
      report(.wrongKind(key: key, wanted: "a whole number", found: value.kind))
      return nil
    }
    guard range.contains(number) else {
      report(
        .outOfRange(
          key: key, wanted: "a number from \(range.lowerBound) to \(range.upperBound)", found: "\(number)"))
      return nil
    }
    return number
  }

  /// A whole number from 1 to `most`, or a list with that of each block, which must be the same.
  mutating func positiveOfAllBlocks(_ key: String, default fallback: Int, atMost most: Int) -> Int {
    guard let list = lookup(key)?.array, let first = list.first else {
      return positive(key, default: fallback, atMost: most)
    }
    if let other = list.first(where: { $0 != first }) {
      report(.unsupported(key: key, found: other.text(), supported: ["\(first.text()) in all blocks"]))
    }
    return whole(first, key, in: 1...most) ?? 1
  }

  /// A finite number above zero; 1 stands in for what is wrong.
  mutating func positiveReal(_ key: String, default fallback: Double? = nil) -> Double {
    guard let value = lookup(key) else {
      if let fallback { return fallback }
      report(.missing(key: key))
      return 1
    }
    guard let number = value.double else {
      report(.wrongKind(key: key, wanted: "a number", found: value.kind))
      return 1
    }
    guard number > 0, number.isFinite else {
      report(.outOfRange(key: key, wanted: "a number above 0", found: "\(number)"))
      return 1
    }
    return number
  }

  /// How many blocks there are.
  var layerCount: Int {
    mutating get { positive("num_hidden_layers", atMost: Self.mostLayers) }
  }

  mutating func flag(_ key: String, default fallback: Bool) -> Bool {
    guard let value = lookup(key) else { return fallback }
    guard let flag = value.bool else {
      report(.wrongKind(key: key, wanted: "true or false", found: value.kind))
      return fallback
    }
    return flag
  }

  /// A finite number; 1 stands in for what is wrong.
  mutating func real(_ key: String, default fallback: Double) -> Double {
    guard let value = lookup(key) else { return fallback }
    guard let number = value.double, number.isFinite else {
      report(.wrongKind(key: key, wanted: "a number", found: value.kind))
      return 1
    }
    return number
  }

  /// A finite number, nil where there is none.
  mutating func realIfPresent(_ key: String) -> Double? { lookup(key) == nil ? nil : real(key, default: 1) }

  /// A list, nil where there is none.
  mutating func list(_ key: String) -> [JSON]? {
    guard let value = lookup(key) else { return nil }
    if value.array == nil { report(.wrongKind(key: key, wanted: "a list", found: value.kind)) }
    return value.array
  }

  /// An object, nil where there is none.
  mutating func object(_ key: String) -> JSON? {
    guard let value = lookup(key) else { return nil }
    guard value.object != nil else {
      report(.wrongKind(key: key, wanted: "an object", found: value.kind))
      return nil
    }
    return value
  }

  mutating func string(_ key: String) -> String? {
    guard let value = lookup(key) else { return nil }
    guard let text = value.string else {
      report(.wrongKind(key: key, wanted: "a string", found: value.kind))
      return nil
    }
    return text
  }

  /// The first of a key's spellings that the file has, the first of all where it has none.
  ///
  /// Families have changed the names of their keys, and transformers takes the common names for those of some families too.
  /// Two that say different things are refused.
  mutating func spelling(_ keys: String...) -> String { spelling(keys) }

  /// The same of a list that is not empty.
  mutating func spelling(_ keys: [String]) -> String {
    let found = keys.filter { lookup($0) != nil }
    guard let first = found.first else { return keys[0] }
    if let other = found.first(where: { lookup($0) != lookup(first) }) {
      report(.inconsistent("`\(first)` and `\(other)` mean the same and have different values"))
    }
    return first
  }

  /// Passes over keys that decide nothing in this family.
  func passOver(_ keys: String...) { for key in keys { _ = lookup(key) } }

  /// Reports a value of a key that means something else than what this family always does.
  mutating func require(_ key: String, _ accepted: JSON...) {
    guard let value = lookup(key) else { return }
    KnownKeys(harmless: [], neutral: [key: accepted]).problem(key, value, path: key).map { report($0) }
  }

  /// Checks what several numbers have to do with each other, then throws all problems when there are any.
  mutating func finish(_ configuration: ModelConfiguration) throws -> ModelConfiguration {
    if problems.isEmpty {
      var told: Set<ModelConfigurationError.Problem> = []
      for problem in configuration.blocks.lazy.flatMap(\.attention.problems) where told.insert(problem).inserted {
        report(problem)
      }
      for problem in configuration.blocks.lazy.compactMap(\.experts).flatMap(\.problems)
      where told.insert(problem).inserted { report(problem) }
    }
    guard problems.isEmpty else { throw ModelConfigurationError(file: file, problems: problems) }
    return configuration
  }
}

extension ExpertsConfiguration {
  /// What its numbers contradict each other in.
  fileprivate var problems: [ModelConfigurationError.Problem] {
    guard let groups = rule.groups else { return [] }
    guard count % groups.count == 0 else {
      return [.inconsistent("\(count) experts do not divide into \(groups.count) groups evenly")]
    }
    let size = count / groups.count
    var problems: [ModelConfigurationError.Problem] = []
    if groups.chosen > groups.count {
      problems.append(.inconsistent("\(groups.chosen) groups cannot be chosen of \(groups.count)"))
    }
    if groups.countsTwo, size < 2 {
      problems.append(.inconsistent("Groups are chosen by their two best experts and have one"))
    }
    if rule.chosen > groups.chosen * size {
      problems.append(
        .inconsistent("\(rule.chosen) experts cannot be chosen of \(groups.chosen) groups with \(size) each"))
    }
    return problems
  }
}

extension AttentionConfiguration {
  /// What its numbers contradict each other in.
  fileprivate var problems: [ModelConfigurationError.Problem] {
    var problems: [ModelConfigurationError.Problem] = []
    if heads % keyValueHeads != 0 {
      problems.append(
        .inconsistent("\(heads) query heads cannot share \(keyValueHeads) key-value heads evenly"))
    }
    guard let rotary else { return problems }
    if rotary.dimension % 2 != 0 {
      problems.append(.inconsistent("The head dimension \(rotary.dimension) is odd, rotary positions need pairs"))
    }
    if rotary.start + rotary.dimension > headDimension {
      problems.append(
        .inconsistent("Positions turn \(rotary.dimension) elements of heads that have \(headDimension)"))
    }
    if let count = rotary.scaling.factorCount, count != rotary.dimension / 2 {
      problems.append(
        .inconsistent("\(count) rotary factors do not fit a head dimension of \(rotary.dimension)"))
    }
    return problems
  }
}
