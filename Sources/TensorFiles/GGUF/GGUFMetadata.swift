import Diagnostics

/// The metadata of a GGUF file, in the order of the file.
package struct GGUFMetadata: Sendable {
  private let file: String
  package let keys: [String]
  private let values: [String: GGUFValue]

  init(file: String, values: [(String, GGUFValue)]) {
    self.file = file
    keys = values.map(\.0)
    self.values = Dictionary(values) { first, _ in first }
  }

  /// The first key that stands twice, which no writer makes.
  var repeatedKey: String? {
    var seen: Set<String> = []
    return values.count == keys.count ? nil : keys.first { !seen.insert($0).inserted }
  }

  package subscript(key: String) -> GGUFValue? { values[key] }

  package func string(_ key: String) throws -> String { try required(key, "a string", \.string) }
  package func int(_ key: String) throws -> Int { try required(key, "a whole number", \.int) }
  package func double(_ key: String) throws -> Double { try required(key, "a number", \.double) }

  /// A list of strings, such as the tokens of a vocabulary.
  package func strings(_ key: String) throws -> [String] { try list(key, "a list of strings", \.string) }
  /// A list of whole numbers, such as the types of tokens.
  package func ints(_ key: String) throws -> [Int] { try list(key, "a list of whole numbers", \.int) }

  /// A list of numbers, such as the scores of tokens.
  package func doubles(_ key: String) throws -> [Double] { try list(key, "a list of numbers", \.double) }

  private func list<T>(_ key: String, _ words: String, _ read: (GGUFValue) -> T?) throws -> [T] {
    let elements = try required(key, words, \.array)
    return try elements.map { element in
      guard let value = read(element) else {
        throw TensorFileError(
          .wrongKeyType(key: key, expected: words, found: "a list with \(element.kind) in it"), file: file)
      }
      return value
    }
  }

  private func required<T>(_ key: String, _ words: String, _ read: (GGUFValue) -> T?) throws -> T {
    guard let value = values[key] else {
      throw TensorFileError(.missingKey(key, nearest: nearestName(to: key, among: keys)), file: file)
    }
    guard let result = read(value) else {
      throw TensorFileError(.wrongKeyType(key: key, expected: words, found: value.kind), file: file)
    }
    return result
  }
}
