import Foundation
import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing
import Tokenization

@Suite("Writing models and adapters")
struct ExportTests {
  private let folder: TemporaryFolder
  private let tokenizer: Tokenizer

  init() throws {
    folder = try TemporaryFolder()
    tokenizer = try Tokenizer.load(path: fixture("ModelFolders/single"))
  }

  private let card = ModelCard(
    title: "A \"model\"", baseModel: "org/base", tags: ["sft"], pipelineDigest: "sha256:12",
    facts: [.init("Learning rate", "1e-4")])

  private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
  private func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }

  @Test("an unchanged model is written as it was: configuration, types and values", arguments: ["single", "sharded"])
  func unchanged(name: String) throws {
    let base = try ModelFolder.open(fixture("ModelFolders/" + name))
    try HuggingFaceWriter(base: base, tokenizer: tokenizer, card: card).write(base.weights, to: folder.path("out"))
    for file in ["config.json", "generation_config.json"] {
      #expect(try bytes(folder.path("out/" + file)) == bytes(fixture("ModelFolders/\(name)/\(file)")))
    }
    for file in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
      #expect(try bytes(folder.path("out/" + file)) == bytes(fixture("ModelFolders/single/\(file)")))
    }
    let file = try SafetensorsFile(path: folder.path("out/model.safetensors"))
    #expect(file.metadata == ["format": "pt"])
    #expect(file.has("lm_head.weight") == (name == "single"))
    let written = try ModelFolder.open(folder.path("out"))
    #expect(written.summary == base.summary)
    for tensor in base.configuration.tensors {
      #expect(
        try written.weights.tensor(named: tensor.name, shape: tensor.shape).values
          == base.weights.tensor(named: tensor.name, shape: tensor.shape).values)
    }
  }

  @Test("shards hold what the index says, none above the size but for a larger tensor")
  func shards() throws {
    let base = try ModelFolder.open(fixture("ModelFolders/single"))
    var writer = HuggingFaceWriter(base: base, tokenizer: tokenizer, card: card)
    writer.shardSize = 30_000
    try writer.write(base.weights, to: folder.path("out"))
    let path = folder.path("out/model.safetensors.index.json")
    let index = try readJSON(path)
    #expect(index["metadata"]?["total_size"]?.int == base.configuration.parameterCount * 4)
    let map = index["weight_map"]?.object ?? JSONObject()
    #expect(map.count == base.configuration.tensors.count)
    let names = Set(map.members.compactMap(\.value.string)).sorted()
    #expect(names.first == "model-00001-of-0000\(names.count).safetensors")
    #expect(names.count > 3)
    for name in names {
      let file = try SafetensorsFile(path: folder.path("out/" + name))
      #expect(file.entries.reduce(0) { $0 + $1.range.count } <= 30_000 || file.entries.count == 1)
      for entry in file.entries { #expect(map[entry.name]?.string == name) }
    }
  }

  @Test("another element type is rounded once and said in the configuration")
  func elementType() throws {
    let base = try ModelFolder.open(fixture("ModelFolders/single"))
    let writer = HuggingFaceWriter(base: base, tokenizer: tokenizer, card: card, elementType: .float16)
    try writer.write(base.weights, to: folder.path("out"))
    #expect(try ModelFolder.open(folder.path("out")).summary.storedType == "F16")
    let json = try readJSON(folder.path("out/config.json"))
    #expect(json["dtype"] == "float16")
    #expect(json["torch_dtype"] == nil)
    let wrong = HuggingFaceWriter(base: base, tokenizer: tokenizer, card: card, elementType: .int8)
    #expect(throws: ModelFolderError.self) { try wrong.write(base.weights, to: folder.path("wrong")) }
    #expect(!FileManager.default.fileExists(atPath: folder.path("wrong")))
  }

  @Test("a GGUF model becomes a folder with the same configuration, weights and ids")
  func fromGGUF() throws {
    let base = try ModelFolder.open(fixture("ModelFolders/tiny.gguf"))
    let tokenizer = try Tokenizer.load(path: fixture("ModelFolders/tiny.gguf"))
    try HuggingFaceWriter(base: base, tokenizer: tokenizer, card: card).write(base.weights, to: folder.path("out"))
    let written = try ModelFolder.open(folder.path("out"))
    #expect(written.configuration == base.configuration)
    #expect(written.summary.storedType == "F32")
    let single = try ModelFolder.open(fixture("ModelFolders/single"))
    let name = "model.layers.1.self_attn.k_proj.weight"
    #expect(
      try written.weights.tensor(named: name, shape: [16, 32]).values
        == single.weights.tensor(named: name, shape: [16, 32]).values)
    let sentence = "the cat größe 大小 <|im_end|>"
    #expect(try Tokenizer.load(path: folder.path("out")).encode(sentence) == tokenizer.encode(sentence))
    let json = try readJSON(folder.path("out/config.json"))
    #expect(json["architectures"] == ["LlamaForCausalLM"])
    #expect(json["torch_dtype"] == "float32")
    #expect(json["eos_token_id"] == 2)
  }

  @Test("a merged adapter is in the weights that are written")
  func merged() throws {
    let base = try ModelFolder.open(fixture("ModelFolders/single"))
    let adapter = try AdapterFolder(path: fixture("ModelFolders/adapter"))
    let compute = try Compute(threads: 1)
    let weights = try AdaptedWeights(base, adapter: adapter, pool: compute.pool)
    try HuggingFaceWriter(base: base, tokenizer: tokenizer, card: card).write(weights, to: folder.path("a"))
    let model = try base.languageModel(compute: compute)
    try adapter.attach(to: model)
    try HuggingFaceWriter(base: base, tokenizer: tokenizer, card: card)
      .write(TrainedWeights(model, origin: "trained"), to: folder.path("b"))
    #expect(try bytes(folder.path("a/model.safetensors")) == bytes(folder.path("b/model.safetensors")))
    #expect(try bytes(folder.path("a/model.safetensors")) != bytes(fixture("ModelFolders/single/model.safetensors")))
  }

  @Test("a fresh adapter written from shapes alone is the one that a model in memory starts with")
  func freshAdapter() throws {
    let base = try ModelFolder.open(fixture("ModelFolders/single"))
    let adapter = AdapterConfiguration(rank: 3, alpha: 5, dropout: 0.1, targets: ["q_proj", "down_proj"])
    let model = try base.languageModel(compute: Compute(threads: 1))
    try model.attach(adapter, seed: 7)
    let writer = AdapterWriter(baseModel: "base", tokenizer: nil, card: nil)
    try writer.write(model, to: folder.path("model"))
    try writer.write(fresh: adapter, seed: 7, of: base, to: folder.path("shapes"))
    for file in ["adapter_model.safetensors", "adapter_config.json"] {
      #expect(try bytes(folder.path("model/" + file)) == bytes(folder.path("shapes/" + file)))
    }
    #expect(throws: AdapterError.rank(0)) {
      try writer.write(
        fresh: AdapterConfiguration(rank: 0), seed: 7, of: base, to: folder.path("none"))
    }
  }

  @Test("an adapter is written as PEFT names it and reads back the same", arguments: ["adapter", "rslora"])
  func adapter(name: String) throws {
    let base = try ModelFolder.open(fixture("ModelFolders/single"))
    let model = try base.languageModel(compute: Compute(threads: 1))
    let source = try AdapterFolder(path: fixture("ModelFolders/" + name))
    try source.attach(to: model)
    let writer = AdapterWriter(baseModel: "org/base", tokenizer: tokenizer, card: card)
    try writer.write(model, to: folder.path("out"))
    try writer.write(source, of: base.configuration, to: folder.path("copy"))
    let file = "adapter_model.safetensors"
    #expect(try bytes(folder.path("out/" + file)) == bytes(folder.path("copy/" + file)))
    let written = try SafetensorsFile(path: folder.path("out/" + file))
    let original = try SafetensorsFile(path: fixture("ModelFolders/\(name)/\(file)"))
    #expect(written.names.sorted() == original.names.sorted())
    for entry in original.entries {
      let copied = try written.entry(entry.name)
      #expect(try written.withBytes(of: copied) { Array($0) } == original.withBytes(of: entry) { Array($0) })
    }
    let json = try readJSON(folder.path("out/adapter_config.json"))
    let reference = try readJSON(fixture("ModelFolders/\(name)/adapter_config.json"))
    for (key, value) in json.object?.members ?? [] {
      switch key {
      case "base_model_name_or_path": #expect(value == "org/base")
      case "target_modules":
        #expect(value.array?.compactMap(\.string).sorted() == reference[key]?.array?.compactMap(\.string))
      case "lora_dropout": #expect(value.double == reference[key]?.double)
      default: #expect(value == reference[key], "\(key)")
      }
    }
    #expect(try text(folder.path("out/README.md")).hasPrefix("---\nbase_model: \"org/base\"\nlibrary_name: peft\n"))
    #expect(FileManager.default.fileExists(atPath: folder.path("out/tokenizer.json")))
  }

  @Test("a model without an adapter has none to write")
  func noAdapter() throws {
    let model = try ModelFolder.open(fixture("ModelFolders/single")).languageModel(compute: Compute(threads: 1))
    #expect(throws: AdapterError.noAdapter) {
      try AdapterWriter(baseModel: "x", tokenizer: nil, card: card).write(model, to: folder.path("out"))
    }
  }

  @Test("the model card")
  func modelCard() throws {
    let base = try ModelFolder.open(fixture("ModelFolders/single"))
    try HuggingFaceWriter(base: base, tokenizer: tokenizer, card: card).write(base.weights, to: folder.path("out"))
    #expect(
      try text(folder.path("out/README.md")) == """
        ---
        base_model: "org/base"
        library_name: transformers
        pipeline_tag: text-generation
        tags:
        - "anneal"
        - "sft"
        ---

        # A "model"

        Made with Anneal.

        - Base model: `org/base`
        - Pipeline: `sha256:12`
        - Learning rate: 1e-4

        """)
  }

  @Test("a folder that holds something, a tokenizer of another model and damage while writing are refused")
  func refusals() throws {
    let base = try ModelFolder.open(fixture("ModelFolders/single"))
    let writer = HuggingFaceWriter(base: base, tokenizer: tokenizer, card: card)
    try folder.write("x", to: "full/a.txt")
    #expect(throws: ModelFolderError(folder.path("full"), .notEmpty(files: ["a.txt"]))) {
      try writer.write(base.weights, to: folder.path("full"))
    }
    #expect(
      throws: ModelFolderError(folder.path("out"), .differsAfterWriting("tensor `model.embed_tokens.weight`"))
    ) { try writer.write(FickleWeights(base: base.weights), to: folder.path("out")) }
    // A tokenizer with more tokens than the model has rows.
    try copy("ModelFolders/single", to: folder.path("large"))
    try edit(folder.path("large/tokenizer.json")) {
      let token: JSON = [
        "id": 300, "content": "<|new|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true,
      ]
      $0["added_tokens"] = .array(($0["added_tokens"]?.array ?? []) + [token])
    }
    let large = HuggingFaceWriter(base: base, tokenizer: try .load(path: folder.path("large")), card: card)
    #expect(throws: ModelFolderError(base.path, .tokenizerTooLarge(tokens: 301, vocabulary: 300))) {
      try large.write(base.weights, to: folder.path("never"))
    }
  }
}

/// Gives other values each time a tensor is asked for, as a disk that loses bits would.
private struct FickleWeights: WeightSource {
  let base: any WeightSource
  private final class Count: @unchecked Sendable { var value: Float = 0 }
  private let count = Count()

  init(base: any WeightSource) { self.base = base }

  var origin: String { base.origin }
  func has(_ name: String) -> Bool { base.has(name) }
  func tensor(named name: String, shape: [Int]) throws -> Tensor {
    count.value += 1
    let tensor = try base.tensor(named: name, shape: shape)
    tensor.pointer[0] = count.value
    return tensor
  }
}
