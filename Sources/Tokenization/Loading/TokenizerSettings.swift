import PreciseJSON
import TensorFiles

/// What the files beside `tokenizer.json` say, as transformers 5 reads a folder: special tokens, more added tokens, the
/// chat templates.
///
/// Where `tokenizer_config.json` has `added_tokens_decoder`, `special_tokens_map.json` and `added_tokens.json` count for
/// nothing; else the map overrides the configuration.
struct TokenizerSettings {
  /// Tokens with the ids that `added_tokens_decoder` or `added_tokens.json` write, by rising id.
  private(set) var declared: [(token: AddedToken, reader: ComponentReader)] = []
  /// Tokens with a name: those of ``names`` first, then the model's own (`image_token` and what `extra_special_tokens`
  /// maps).
  private(set) var named: [(key: String, token: AddedToken)] = []
  /// Names of tokens that are null: there is no such token, whatever the class has.
  private(set) var absent: Set<String> = []
  /// Special tokens without a name.
  private(set) var extra: [AddedToken] = []
  private(set) var endIDs: [Int] = []
  private(set) var chatTemplates = ChatTemplateSources()
  /// `tokenizer_config.json`.
  let configuration: ComponentReader?

  static let names = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]

  /// Reads `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json`, `generation_config.json` and
  /// `chat_template.jinja`, each when it is there.
  init(_ files: FileSet) throws {
    let config = try Self.read("tokenizer_config.json", of: files)
    configuration = config
    if let splits = config?.member("split_special_tokens"), try splits.bool() {
      throw splits.error(.unsupported("`split_special_tokens`", reason: "special tokens are always found in the text"))
    }
    let decoder = config?.member("added_tokens_decoder")
    try readSpecials(config, map: decoder == nil ? Self.read("special_tokens_map.json", of: files) : nil)
    if let decoder {
      declared = try decoder.members().map { key, reader in
        guard let id = Int32(key), (0..<Int32(Vocabulary.idLimit)).contains(id) else {
          throw reader.error(.idOutOfRange(key, limit: Vocabulary.idLimit - 1))
        }
        return (try AddedToken(reader, id: id), reader)
      }
    } else if let added = try Self.read("added_tokens.json", of: files) {
      let specials = Set(named.filter { Self.names.contains($0.key) }.map(\.token.content) + extra.map(\.content))
      declared = try added.members().map { content, reader in
        let isSpecial = specials.contains(content)
        let id = try reader.tokenID()
        return (AddedToken(id: id, content: content, isSpecial: isSpecial, isNormalized: !isSpecial), reader)
      }
    }
    declared.sort { $0.token.id < $1.token.id }
    if let ends = try Self.read(Tokenizer.generationFile, of: files)?.member("eos_token_id") {
      endIDs = ends.value.array == nil ? [try ends.int()] : try ends.list().map { try $0.int() }
    }
    chatTemplates = try Self.templates(of: files) ?? config.map(Self.templates) ?? ChatTemplateSources()
  }

  /// The token of a name; nil when no file has it or one says null.
  func token(_ name: String) -> AddedToken? { named.first { $0.key == name }?.token }

  private mutating func readSpecials(_ config: ComponentReader?, map: ComponentReader?) throws {
    var standard: [String: AddedToken] = [:]
    var own: [(key: String, token: AddedToken)] = []
    var others: [(key: String, reader: ComponentReader)] = []
    var later: [(key: String, token: AddedToken)] = []
    for (key, reader) in try config?.members() ?? [] where key.hasSuffix("_token") {
      if Self.names.contains(key) {
        if reader.value.isNull { absent.insert(key) } else { standard[key] = try Self.special(reader) }
      } else if reader.value.string != nil {
        own.append((key, try Self.special(reader)))
      } else if reader.value.object?["content"] != nil {
        later.append((key, try Self.special(reader)))
      }
    }
    let key = config?.value["extra_special_tokens"] == nil ? "additional_special_tokens" : "extra_special_tokens"
    if let reader = config?.member(key) { others.append((key, reader)) }
    for (key, reader) in try map?.members() ?? [] {
      if Self.names.contains(key) {
        absent.remove(key)
        standard[key] = reader.value.isNull ? nil : try Self.special(reader)
        if reader.value.isNull { absent.insert(key) }
      } else if key.hasSuffix("_token"), !reader.value.isNull {
        later.append((key, try Self.special(reader)))
      } else if key == "extra_special_tokens" || (key == "additional_special_tokens" && others.isEmpty),
        !reader.value.isNull
      {
        others.append((key, reader))
      }
    }
    for (_, reader) in others {
      if reader.value.object != nil {
        own += try reader.members().map { ($0, try Self.special($1)) }
      } else {
        extra += try reader.list().map(Self.special)
      }
    }
    named = Self.names.compactMap { name in standard[name].map { (name, $0) } } + own + later
  }

  /// A special token, written as a text or as an object with flags.
  private static func special(_ reader: ComponentReader) throws -> AddedToken {
    if reader.value.object != nil { return try AddedToken(reader, id: -1) }
    return AddedToken(id: -1, content: try reader.string(), isSpecial: true)
  }

  /// `chat_template.jinja` and what stands in `additional_chat_templates/`; nil when there is neither.
  ///
  /// One such file hides all that `tokenizer_config.json` says, as in transformers.
  private static func templates(of files: FileSet) throws -> ChatTemplateSources? {
    var templates = ChatTemplateSources()
    if let source = try text("chat_template.jinja", of: files) {
      templates.set(ChatTemplateSources.defaultName, source)
    }
    for name in files.names where name.hasPrefix(Tokenizer.templateFolder + "/") {
      guard let source = try text(name, of: files) else { continue }
      let file = name.dropFirst(Tokenizer.templateFolder.count + 1)
      templates.set(String(file.dropLast(".jinja".count)), source)
    }
    return templates.isEmpty ? nil : templates
  }

  /// `chat_template`: a text, or a list of named ones.
  private static func templates(_ config: ComponentReader) throws -> ChatTemplateSources {
    guard let reader = config.member("chat_template") else { return ChatTemplateSources() }
    guard reader.value.array != nil else { return ChatTemplateSources(try reader.string()) }
    var templates = ChatTemplateSources()
    for named in try reader.list() { templates.set(try named.string("name"), try named.string("template")) }
    return templates
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
