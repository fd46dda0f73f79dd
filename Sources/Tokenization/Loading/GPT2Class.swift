/// How a folder of GPT-2's own files (`vocab.json`, `merges.txt`) is read, which says nothing of cutting and normalising:
/// transformers knows it by the class that `tokenizer_config.json` names.
struct GPT2Class {
  private enum Name: String, CaseIterable {
    case gpt2 = "GPT2Tokenizer"
    case qwen2 = "Qwen2Tokenizer"
  }

  let normalizer: Normalizer?
  let preTokenizer: PreTokenizer
  let addsBOS: Bool
  let addsEOS: Bool
  /// Names of special tokens that are `<|endoftext|>` where no file says otherwise.
  private let defaults: [String]
  private static let end = "<|endoftext|>"

  /// - Throws: ``TokenizerError`` for a class whose rules are not known.
  init(_ settings: TokenizerSettings) throws {
    let config = settings.configuration
    var name = Name.gpt2
    if let reader = config?.member("tokenizer_class") {
      let written = try reader.string()
      guard let known = Name.allCases.first(where: { [$0.rawValue, $0.rawValue + "Fast"].contains(written) }) else {
        throw reader.error(.withoutTokenizerJSON(class: written, known: Name.allCases.map(\.rawValue)))
      }
      name = known
    }
    addsBOS = try config?.bool("add_bos_token", default: false) ?? false
    addsEOS = try config?.bool("add_eos_token", default: false) ?? false
    switch name {
    case .gpt2:
      normalizer = nil
      preTokenizer = .byteLevel(
        addsPrefixSpace: try config?.bool("add_prefix_space", default: false) ?? false, usesPattern: true)
      defaults = ["bos_token", "eos_token", "unk_token"]
    case .qwen2:
      normalizer = .form(.nfc)
      preTokenizer = .sequence([
        .split(.pattern(try Pattern(ModelExpressions.qwen2)), .isolated, isInverted: false),
        .byteLevel(addsPrefixSpace: false, usesPattern: false),
      ])
      defaults = ["eos_token", "pad_token", "unk_token"]
    }
  }

  /// The special tokens of the files, else those of the class when the vocabulary has them.
  func specialTokens(
    _ table: inout AddedTokenTable, _ settings: TokenizerSettings, _ vocabulary: Vocabulary
  ) -> SpecialTokens {
    var found = table.specialTokens(settings)
    let missing = defaults.filter { settings.token($0) == nil && !settings.absent.contains($0) }
    guard !missing.isEmpty, let id = table.token(Self.end)?.id ?? vocabulary.id(of: Self.end) else { return found }
    if table.token(Self.end) == nil { table.add(AddedToken(id: id, content: Self.end, isSpecial: true)) }
    let end = SpecialTokens.Token(id: id, text: Self.end)
    for name in missing {
      switch name {
      case "bos_token": found.bos = end
      case "eos_token": found.eos = end
      case "pad_token": found.pad = end
      default: found.unknown = end
      }
    }
    return found
  }
}
