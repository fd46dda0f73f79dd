import Foundation
import PreciseJSON
import TensorFiles

extension Tokenizer {
  /// Writes the tokenizer's files into a folder, which is made when it is missing.
  ///
  /// From a folder they are copied byte for byte; from a GGUF file they are made, so that `tokenizers` and transformers
  /// give the same ids as this value. Settings that are there already are replaced. `generation_config.json` is the
  /// model's and not written: see ``generationSettings``.
  ///
  /// - Throws: `FileError` when a file cannot be read or written.
  package func writeFolder(to folder: String) throws {
    try Self.makeFolder(folder)
    switch source {
    case .files(let files):
      for file in files.files where file.name != Self.generationFile {
        if file.name.hasPrefix(Self.templateFolder) { try Self.makeFolder(folder + "/" + Self.templateFolder) }
        try MappedFile(path: file.path).withBytes { try Self.write($0, to: folder + "/" + file.name) }
      }
    case .gguf:
      try Self.write(tokenizerJSON.text(.pretty), to: folder + "/tokenizer.json")
      try Self.write(configuration.text(.pretty), to: folder + "/tokenizer_config.json")
      try Self.write(specialTokensMap.text(.pretty), to: folder + "/special_tokens_map.json")
      if let template = chatTemplateSource {
        try Self.write(template, to: folder + "/chat_template.jinja")
      }
    }
  }

  /// What `generation_config.json` has to say for the written folder to have this value's ``endOfTurnIDs``; nil when its
  /// other files say it already.
  package var generationSettings: JSON? {
    let implied = Self.ends(listed: [], specialTokens, pipeline)
    guard endOfTurnIDs != implied else { return nil }
    return ["eos_token_id": .array(endOfTurnIDs.map { JSON(Int($0)) })]
  }

  private static func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch { throw FileError(path: path, action: .create, code: errno == 0 ? EIO : errno) }
  }

  private static func write(_ text: String, to path: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0), to: path) }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
    if let slash = path.lastIndex(of: "/") {
      try FileManager.default.createDirectory(atPath: String(path[..<slash]), withIntermediateDirectories: true)
    }
    let file = try OutputFile(path: path)
    try file.write(bytes)
    try file.finish()
  }

  /// The tokenizer as HF's `tokenizer.json`.
  private var tokenizerJSON: JSON {
    let vocabulary = pipeline.model.vocabulary
    var tokens: [(key: String, value: JSON)] = []
    for id in 0..<Int32(vocabulary.idCount) {
      guard let bytes = vocabulary.bytes(of: id) else { continue }
      tokens.append((String(decoding: bytes, as: UTF8.self), JSON(Int(id))))
    }
    let merges = pipeline.model.merges.ordered.map { merge -> JSON in
      [.string(token(for: merge.left) ?? ""), .string(token(for: merge.right) ?? "")]
    }
    let model = pipeline.model
    let unknown = model.symbols.unknownID.flatMap { token(for: $0) }.map { JSON.string($0) } ?? .null
    return [
      "version": "1.0", "truncation": nil, "padding": nil,
      "added_tokens": .array(pipeline.addedTokens.map(\.json)),
      "normalizer": pipeline.normalizer?.json ?? .null,
      "pre_tokenizer": pipeline.preTokenizer?.json ?? .null,
      "post_processor": postProcessorJSON,
      "decoder": pipeline.decoder?.json ?? .null,
      "model": [
        "type": "BPE", "dropout": nil, "unk_token": unknown, "continuing_subword_prefix": nil,
        "end_of_word_suffix": nil, "fuse_unk": .bool(model.symbols.fusesUnknown),
        "byte_fallback": .bool(model.symbols.fallbackIDs != nil), "ignore_merges": .bool(model.ignoresMerges),
        "vocab": JSON(tokens), "merges": .array(merges),
      ],
    ]
  }

  private var postProcessorJSON: JSON {
    let post = pipeline.postProcessor
    if post == PostProcessor() {
      return ["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true]
    }
    func special(_ id: Int32, _ type: Int) -> JSON {
      ["SpecialToken": ["id": .string(token(for: id) ?? ""), "type_id": JSON(type)]]
    }
    func sequence(_ name: String, _ type: Int) -> JSON { ["Sequence": ["id": .string(name), "type_id": JSON(type)]] }
    let single = post.before.map { special($0, 0) } + [sequence("A", 0)] + post.after.map { special($0, 0) }
    let second = post.before.map { special($0, 1) } + [sequence("B", 1)] + post.after.map { special($0, 1) }
    var tokens: [(key: String, value: JSON)] = []
    for id in Set(post.before + post.after).sorted() {
      let text = token(for: id) ?? ""
      tokens.append((text, ["id": .string(text), "ids": [JSON(Int(id))], "tokens": [.string(text)]]))
    }
    return [
      "type": "TemplateProcessing", "single": .array(single), "pair": .array(single + second),
      "special_tokens": JSON(tokens),
    ]
  }

  /// Special tokens by transformers' names for them.
  private var namedSpecials: [(key: String, value: JSON)] {
    [
      ("bos_token", specialTokens.bos), ("eos_token", specialTokens.eos), ("pad_token", specialTokens.pad),
      ("unk_token", specialTokens.unknown),
    ].compactMap { key, token in token.map { (key, JSON($0.text)) } }
  }

  private var specialTokensMap: JSON {
    JSON(
      namedSpecials.map { key, value in
        (key, ["content": value, "lstrip": false, "normalized": false, "rstrip": false, "single_word": false])
      })
  }

  private var configuration: JSON {
    let decoder = pipeline.addedTokens.map { token -> (key: String, value: JSON) in
      var object = token.json.object ?? JSONObject()
      object["id"] = nil
      return (String(token.id), .object(object))
    }
    var members: [(key: String, value: JSON)] = [
      ("add_prefix_space", false),
      ("added_tokens_decoder", JSON(decoder)),
      ("clean_up_tokenization_spaces", false),
    ]
    members += namedSpecials
    // The class that takes `tokenizer.json` as it stands; those of model families rebuild it by rules of their own.
    members.append(("tokenizer_class", "PreTrainedTokenizerFast"))
    if let template = chatTemplateSource {
      members.append(("chat_template", .string(template)))
    }
    return JSON(members)
  }
}
