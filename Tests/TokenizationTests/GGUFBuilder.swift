import Foundation
import PreciseJSON

/// Writes small GGUF files (version 3) that hold metadata and no tensors.
struct GGUFBuilder {
  enum Value {
    case unsigned(UInt32)
    case bool(Bool)
    case string(String)
    case strings([String])
    case integers([Int32])
    case numbers([Float])
  }

  var values: [(key: String, value: Value)] = []

  var bytes: [UInt8] {
    var out = Array("GGUF".utf8) + number(UInt32(3)) + number(UInt64(0)) + number(UInt64(values.count))
    for (key, value) in values {
      out += text(key)
      switch value {
      case .unsigned(let value): out += number(UInt32(4)) + number(value)
      case .bool(let value): out += number(UInt32(7)) + [value ? 1 : 0]
      case .string(let value): out += number(UInt32(8)) + text(value)
      case .strings(let list):
        out += number(UInt32(9)) + number(UInt32(8)) + number(UInt64(list.count)) + list.flatMap(text)
      case .integers(let list):
        out += number(UInt32(9)) + number(UInt32(5)) + number(UInt64(list.count))
        out += list.flatMap { number(UInt32(bitPattern: $0)) }
      case .numbers(let list):
        out += number(UInt32(9)) + number(UInt32(6)) + number(UInt64(list.count))
        out += list.flatMap { number($0.bitPattern) }
      }
    }
    return out + [UInt8](repeating: 0, count: (32 - out.count % 32) % 32)
  }

  private func text(_ text: String) -> [UInt8] { number(UInt64(text.utf8.count)) + Array(text.utf8) }

  private func number(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// The vocabulary and merges of the small tokenizer `smollm` as a GGUF file says them.
  static func smollm() throws -> GGUFBuilder {
    let json = try readJSON("Tokenization/small-smollm.json")
    let vocabulary = (json["model"]?["vocab"]?.object?.members ?? []).sorted {
      ($0.value.int ?? 0) < ($1.value.int ?? 0)
    }
    let merges = (json["model"]?["merges"]?.array ?? []).compactMap(\.string)
    let specials = (json["added_tokens"]?.array ?? []).compactMap { $0["id"]?.int }
    return GGUFBuilder(values: [
      ("general.architecture", .string("llama")),
      ("tokenizer.ggml.model", .string("gpt2")),
      ("tokenizer.ggml.pre", .string("smollm")),
      ("tokenizer.ggml.tokens", .strings(vocabulary.map(\.key))),
      ("tokenizer.ggml.token_type", .integers(vocabulary.indices.map { specials.contains($0) ? 3 : 1 })),
      ("tokenizer.ggml.merges", .strings(merges)),
      ("tokenizer.ggml.bos_token_id", .unsigned(1)),
      ("tokenizer.ggml.eos_token_id", .unsigned(2)),
      ("tokenizer.ggml.unknown_token_id", .unsigned(0)),
      ("tokenizer.ggml.add_bos_token", .bool(true)),
      ("tokenizer.chat_template", .string("{{ messages }}")),
    ])
  }

  /// The small SentencePiece model of the fixtures as a GGUF file says it.
  static func sentencePiece() throws -> GGUFBuilder {
    let json = try readJSON("Tokenization/pieces-spm.json")
    func list<T>(_ key: String, _ read: (JSON) -> T?) -> [T] { (json[key]?.array ?? []).compactMap(read) }
    let named = ["bos", "eos", "unknown", "padding"].map { key -> (key: String, value: Value) in
      ("tokenizer.ggml.\(key)_token_id", .unsigned(UInt32(json[key]?.int ?? 0)))
    }
    return GGUFBuilder(
      values: [
        ("general.architecture", .string("llama")),
        ("tokenizer.ggml.model", .string("llama")),
        ("tokenizer.ggml.pre", .string("default")),
        ("tokenizer.ggml.tokens", .strings(list("tokens", \.string))),
        ("tokenizer.ggml.scores", .numbers(list("scores") { $0.double.map(Float.init) })),
        ("tokenizer.ggml.token_type", .integers(list("types") { $0.int.map(Int32.init) })),
      ] + named)
  }

  /// The same with another value for a key, or without the key.
  func setting(_ key: String, _ value: Value?) -> GGUFBuilder {
    var copy = self
    copy.values.removeAll { $0.key == key }
    if let value { copy.values.append((key, value)) }
    return copy
  }

  func write(to path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
}
