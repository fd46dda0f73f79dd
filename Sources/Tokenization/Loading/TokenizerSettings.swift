import PreciseJSON
import TensorFiles

/// What the files beside `tokenizer.json` say: special tokens, more added tokens, the chat template.
struct TokenizerSettings {
  /// Texts of the special tokens, with where each stands.
  private(set) var specials: [String: ComponentReader] = [:]
  /// `added_tokens_decoder`: ids as text, and tokens.
  private(set) var addedTokens: [AddedToken] = []
  private(set) var endIDs: [Int] = []
  private(set) var chatTemplate: String?

  static let keys = ["bos_token", "eos_token", "pad_token", "unk_token"]

  init() {}

  /// Reads `tokenizer_config.json`, `special_tokens_map.json`, `generation_config.json` and `chat_template.jinja`, each
  /// when it is there.
  init(_ files: FileSet) throws {
    let config = try Self.read("tokenizer_config.json", of: files)
    let map = try Self.read("special_tokens_map.json", of: files)
    for key in Self.keys {
      guard let found = config?.member(key) ?? map?.member(key) else { continue }
      specials[key] = found.value.object == nil ? found : try found.required("content", "a token")
    }
    if let decoder = config?.member("added_tokens_decoder"), let members = decoder.value.object?.members {
      for (key, value) in members {
        let reader = ComponentReader(value: value, path: "added_tokens_decoder.\(key)", file: decoder.file)
        guard let id = Int32(key), (0..<Int32(Vocabulary.idLimit)).contains(id) else {
          throw reader.error(.idOutOfRange(key, limit: Vocabulary.idLimit - 1))
        }
        addedTokens.append(try AddedToken(reader, id: id))
      }
    }
    if let ends = try Self.read(Tokenizer.generationFile, of: files)?.member("eos_token_id") {
      endIDs = ends.value.array == nil ? [try ends.int()] : try ends.list().map { try $0.int() }
    }
    chatTemplate = try Self.text("chat_template.jinja", of: files) ?? config.flatMap(Self.template)
  }

  /// `chat_template`: a text, or a list of named ones of which `default` counts.
  private static func template(_ config: ComponentReader) throws -> String? {
    guard let reader = config.member("chat_template") else { return nil }
    guard reader.value.array != nil else { return try reader.string() }
    let named = try reader.list().map { (name: try $0.string("name"), template: try $0.string("template")) }
    return named.first { $0.name == "default" }?.template ?? named.first?.template
  }

  private static func read(_ name: String, of files: FileSet) throws -> ComponentReader? {
    guard let path = files[name] else { return nil }
    let json = try MappedFile(path: path).withBytes { try JSONReader.read($0, file: path) }
    return ComponentReader(value: json, path: "", file: path)
  }

  private static func text(_ name: String, of files: FileSet) throws -> String? {
    guard let path = files[name] else { return nil }
    return try MappedFile(path: path).withBytes { String(decoding: $0, as: UTF8.self) }
  }
}
