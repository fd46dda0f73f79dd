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
      [ModelExpressions.llama3], ignoresMerges: true, addsBOS: true),
    entry(["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"], [ModelExpressions.llama3]),
    entry(["qwen2", "megrez", "deepseek-r1-qwen", "kormo"], [ModelExpressions.qwen2], normalizes: true),
    entry(["stablelm2", "hunyuan", "solar-open", "grok-2"], [ModelExpressions.qwen2]),
    entry(["qwen35"], [ModelExpressions.qwen35], normalizes: true),
    entry(["deepseek-llm"], ModelExpressions.deepseek),
    entry(["deepseek-coder"], ModelExpressions.deepseekCoder),
    entry(["deepseek-v3", "hunyuan-dense", "joyai-llm"], ModelExpressions.deepseek3),
    entry(["falcon"], [#"[\p{P}\$\+<=>\^~\|`]+"#, PreTokenizer.gpt2Expression, "[0-9][0-9][0-9]"]),
    entry(["tekken"], [ModelExpressions.tekken], ignoresMerges: true, addsBOS: true),
    entry(["gpt-4o", "llama4", "kanana2", "minimax-m2"], [ModelExpressions.gpt4o]),
    entry(["bailingmoe", "bailingmoe2", "llada-moe"], [ModelExpressions.bailing]),
    entry(["seed-coder"], [ModelExpressions.seedCoder]),
    entry(["bloom", "poro-chat", "gpt3-finnish"], [ModelExpressions.bloom]),
    entry(["viking"], [ModelExpressions.bloom, #"\p{N}"#]),
    entry(
      ["default"],
      [#"[\p{P}\$\+<=>\^~\|]+"#, PreTokenizer.gpt2Expression, #"\p{N}+"#, "[0-9][0-9][0-9]"]),
  ]
}
