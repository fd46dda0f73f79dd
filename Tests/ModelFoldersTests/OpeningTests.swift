import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

@Suite("Opening models")
struct OpeningTests {
  @Test("the layouts are told apart, and their facts are known without reading tensors")
  func summaries() throws {
    let single = try ModelFolder.open(fixture("ModelFolders/single"))
    #expect(
      single.summary
        == ModelSummary(
          format: .huggingFace, family: "llama", vocabularySize: 300, hiddenSize: 32, layerCount: 2,
          maximumPositions: 64, storedType: "F32", parameterCount: 33_184, tiesHead: false))
    let sharded = try ModelFolder.open(fixture("ModelFolders/sharded"))
    #expect(sharded.summary.storedType == "BF16")
    #expect(sharded.summary.tiesHead)
    #expect(
      sharded.files.names == [
        "config.json", "model.safetensors.index.json", "model-00001-of-00003.safetensors",
        "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors", "generation_config.json",
      ])
    let gguf = try ModelFolder.open(fixture("ModelFolders/tiny.gguf"))
    #expect(gguf.summary.format == .gguf)
    #expect(gguf.summary.parameterCount == single.summary.parameterCount)
    #expect(gguf.summary.json["hidden_size"] == 32)
    #expect(gguf.files.files == [.init(name: "model.gguf", path: fixture("ModelFolders/tiny.gguf"))])
  }

  @Test("a folder that holds one GGUF file is that model, one that holds two is not")
  func folderWithGGUF() throws {
    let folder = try TemporaryFolder()
    try copy("ModelFolders/tiny.gguf", to: folder.path("a.gguf"))
    #expect(try ModelFolder.open(folder.path).path == folder.path("a.gguf"))
    try copy("ModelFolders/tiny.gguf", to: folder.path("b.gguf"))
    #expect(throws: ModelFolderError(folder.path, .severalModels(["a.gguf", "b.gguf"]))) {
      try ModelFolder.open(folder.path)
    }
  }

  @Test("the same weights come from safetensors and from GGUF, whose query and key rows are interleaved")
  func rowOrder() throws {
    let single = try ModelFolder.open(fixture("ModelFolders/single"))
    let gguf = try ModelFolder.open(fixture("ModelFolders/tiny.gguf"))
    #expect(single.configuration == gguf.configuration)
    for tensor in single.configuration.tensors {
      let a = try single.weights.tensor(named: tensor.name, shape: tensor.shape)
      let b = try gguf.weights.tensor(named: tensor.name, shape: tensor.shape)
      #expect(a.values == b.values, "\(tensor.name)")
    }
  }

  @Test("logits are transformers'", arguments: ["single", "sharded", "tiny.gguf"])
  func logits(name: String) throws {
    let model = try ModelFolder.open(fixture("ModelFolders/" + name)).languageModel(compute: Compute(threads: 1))
    for row in try greedyRows(name == "tiny.gguf" ? "single" : name) {
      let logits = try model.logits(
        ids: row.prompt, layout: SequenceLayout(lengths: [row.prompt.count]), rows: [Int32(row.prompt.count - 1)])
      #expect(largestDifference(logits.values, row.logits) < 1e-4)
    }
  }

  @Test(
    "an adapter of PEFT's computes what it does in PEFT, beside the weights and merged",
    arguments: [
      "adapter", "rslora",
    ])
  func adapters(name: String) throws {
    let base = try ModelFolder.open(fixture("ModelFolders/single"))
    let adapter = try AdapterFolder(path: fixture("ModelFolders/" + name))
    #expect(adapter.baseModel == "single")
    let compute = try Compute(threads: 2)
    let model = try base.languageModel(compute: compute)
    try adapter.attach(to: model)
    let weights = try AdaptedWeights(base, adapter: adapter, pool: compute.pool)
    let merged = try LanguageModel(base.configuration, weights: weights, compute: compute)
    for row in try greedyRows(name) {
      for model in [model, merged] {
        let logits = try model.logits(
          ids: row.prompt, layout: SequenceLayout(lengths: [row.prompt.count]), rows: [Int32(row.prompt.count - 1)])
        #expect(largestDifference(logits.values, row.logits) < 1e-4)
      }
    }
    let query = "model.layers.1.self_attn.q_proj.weight"
    let values = try weights.tensor(named: query, shape: [32, 32]).values
    let expected = try expectedValues(name)["merged_q_proj_1"]?.array?.compactMap(\.double).map { Float($0) } ?? []
    #expect(largestDifference(values, expected) < 1e-6)
    #expect(try model.mergedTensor(named: "model.layers.1.self_attn.q_proj.weight").values == values)
  }

  @Test("rank, scale and targets of an adapter")
  func adapterConfiguration() throws {
    let plain = try AdapterFolder(path: fixture("ModelFolders/adapter")).configuration
    #expect(plain == AdapterConfiguration(rank: 4, alpha: 8, dropout: 0.1))
    let rslora = try AdapterFolder(path: fixture("ModelFolders/rslora")).configuration
    #expect(
      rslora == AdapterConfiguration(rank: 4, alpha: 6, dropout: 0.1, targets: ["q_proj", "v_proj"], usesRSLoRA: true))
    let map = AdaptedMap(module: "model.layers.0.self_attn.q_proj", inputs: 32, outputs: 32)
    #expect((rslora.method as? LoRA)?.scale(of: map) == 3)
  }
}
