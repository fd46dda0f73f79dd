/// How a GGUF file's `tokenizer.ggml.pre` cuts text: the names llama.cpp knows, with the expressions of the models' own
/// `tokenizer.json` (llama.cpp writes some of them around what its matcher lacks).
struct GGUFPreTokenizer: Sendable {
  let names: [String]
  var steps: [PreTokenizer]
  /// Whether the models' own tokenizers normalise to NFC, which llama.cpp leaves out.
  var normalizes = false
  var ignoresMerges = false
  /// Whether bos goes before a text when the file does not say so.
  var addsBOS = false

  /// The normaliser and steps by which HF reads the same.
  var normalizer: Normalizer? { normalizes ? .form(.nfc) : nil }

  init(_ names: [String], steps: [PreTokenizer]) {
    self.names = names
    self.steps = steps
  }

  private init(
    _ names: [String], _ expressions: [String], normalizes: Bool = false, ignoresMerges: Bool = false,
    addsBOS: Bool = false
  ) throws {
    self.names = names
    self.normalizes = normalizes
    self.ignoresMerges = ignoresMerges
    self.addsBOS = addsBOS
    steps = try expressions.map { .split(.pattern(try Pattern($0)), .isolated, isInverted: false) }
    steps.append(.byteLevel(addsPrefixSpace: false, usesPattern: false))
  }

  /// The entry for a name, nil when it is not known.
  static func named(_ name: String) throws -> GGUFPreTokenizer? {
    try all.first { $0.names.contains(name) }?.make()
  }

  static var knownNames: [String] { all.flatMap(\.names) }

  private struct Entry {
    let names: [String]
    let make: @Sendable () throws -> GGUFPreTokenizer
  }

  private static func entry(
    _ names: [String], _ expressions: [String], normalizes: Bool = false, ignoresMerges: Bool = false,
    addsBOS: Bool = false
  ) -> Entry {
    Entry(names: names) {
      try GGUFPreTokenizer(
        names, expressions, normalizes: normalizes, ignoresMerges: ignoresMerges, addsBOS: addsBOS)
    }
  }

  private static func gpt2(_ names: [String], digits: Bool) -> Entry {
    Entry(names: names) {
      let last = PreTokenizer.byteLevel(addsPrefixSpace: false, usesPattern: true)
      return GGUFPreTokenizer(names, steps: digits ? [.digits(individually: true), last] : [last])
    }
  }

  private static let all: [Entry] = [
    gpt2(
      [
        "gpt-2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat", "a.x-4.0", "mellum",
        "modern-bert", "exaone4", "mpt", "olmo", "jais", "trillion", "granite-docling",
      ], digits: false),
    gpt2(
      ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"], digits: true),
    entry(
      ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
      [Expressions.llama3], ignoresMerges: true, addsBOS: true),
    entry(["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"], [Expressions.llama3]),
    entry(["qwen2", "megrez", "deepseek-r1-qwen", "kormo"], [Expressions.qwen2], normalizes: true),
    entry(["stablelm2", "hunyuan", "solar-open", "grok-2"], [Expressions.qwen2]),
    entry(["qwen35"], [Expressions.qwen35], normalizes: true),
    entry(["deepseek-llm"], Expressions.deepseek),
    entry(["deepseek-coder"], Expressions.deepseekCoder),
    entry(["deepseek-v3", "hunyuan-dense", "joyai-llm"], Expressions.deepseek3),
    entry(["falcon"], [#"[\p{P}\$\+<=>\^~\|`]+"#, PreTokenizer.gpt2Expression, "[0-9][0-9][0-9]"]),
    entry(["tekken"], [Expressions.tekken], ignoresMerges: true, addsBOS: true),
    entry(["gpt-4o", "llama4", "kanana2", "minimax-m2"], [Expressions.gpt4o]),
    entry(["bailingmoe", "bailingmoe2", "llada-moe"], [Expressions.bailing]),
    entry(["seed-coder"], [Expressions.seedCoder]),
    entry(["bloom", "poro-chat", "gpt3-finnish"], [Expressions.bloom]),
    entry(["viking"], [Expressions.bloom, #"\p{N}"#]),
    entry(
      ["default"],
      [#"[\p{P}\$\+<=>\^~\|]+"#, PreTokenizer.gpt2Expression, #"\p{N}+"#, "[0-9][0-9][0-9]"]),
  ]
}

/// Expressions by which known models cut text, as their `tokenizer.json` files write them.
private enum Expressions {
  static let llama3 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"# + lines
  static let qwen2 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"# + lines
  static let qwen35 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"# + lines
  static let seedCoder =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+"# + lines
  static let bailing =
    #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#
  static let tekken =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
    + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
    + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + lines
  static let gpt4o =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
    + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
    + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + lines
  static let bloom = " ?[^(\\s|.,!?…。，、।۔،)]+"
  static let deepseekCoder = ["[\r\n]", #"\s?\p{L}+"#, #"\s?\p{P}+"#, "[一-龥ࠀ-一가-\u{D7FF}]+", #"\p{N}"#]
  static let deepseek3 = [
    #"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+",
    ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"## + "|[^\r\n"
      + #"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"#
      + "[\r\n]*|\\s*[\r\n]+" + #"|\s+(?!\S)|\s+"#,
  ]
  static let deepseek = [
    "[\r\n]", #"\s?["# + deepseekLetters + "]+", #"\s?[!-/:-~！-／：-～‘-‟　-。]+"#, #"\s+$"#,
    "[一-龥ࠀ-一가-\u{D7FF}]+", #"\p{N}+"#,
  ]

  /// How most expressions treat line ends and other white space.
  private static let lines = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// Cased letters as DeepSeek lists them.
  private static let deepseekLetters =
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u{1F7D}ᾀ-ᾴᾶ-ᾼ"
    + "\u{1FBE}ῂ-ῄῆ-ῌῐ-\u{1FD3}ῖ-\u{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u{2126}ℨ\u{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿ"
    + "ﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
}
