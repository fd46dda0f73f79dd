import Diagnostics
import Foundation
import ModelFolders
import PreciseJSON
import TensorFiles
import TestKit
import Testing

@Suite("Models and adapters that do not fit are refused with a reason")
struct MismatchTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch {
      return diagnostics(of: error).rendered().replacing(folder.path + "/", with: "")
    }
    return "nothing thrown"
  }

  /// A copy of the fixture under the name `m`, changed.
  private func model(_ name: String, _ change: (String) throws -> Void) throws -> String {
    try copy("ModelFolders/" + name, to: folder.path("m"))
    try change(folder.path("m"))
    return message { _ = try ModelFolder.open(folder.path("m")) }
  }

  /// Writes the tensors of a safetensors file again: those that `change` gives a name and shape to.
  private func rewrite(_ path: String, _ change: (SafetensorsFile.Entry) -> (String, [Int])?) throws {
    let file = try SafetensorsFile(path: path)
    let kept = file.entries.compactMap { entry in change(entry).map { (entry, $0) } }
    let writer = try SafetensorsWriter(
      path: path + ".new", tensors: kept.map { .init(name: $1.0, type: $0.type, shape: $1.1) })
    for (entry, new) in kept {
      try file.withBytes(of: entry) {
        try writer.write(new.0, bytes: UnsafeRawBufferPointer(rebasing: $0.prefix(new.1.reduce(4, *))))
      }
    }
    try writer.finish()
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.moveItem(atPath: path + ".new", toPath: path)
  }

  @Test("no model")
  func noModel() throws {
    #expect(
      message { _ = try ModelFolder.open(folder.path("none")) } == """
        none: error: There is no model here
          try: check the path; relative paths start at the folder the command runs in
        """)
    try folder.write("x", to: "d/notes.txt")
    #expect(
      message { _ = try ModelFolder.open(folder.path("d")) } == """
        d: error: This folder holds no model
          why: it has neither `config.json` nor a `.gguf` file, but [notes.txt]
          try: name the folder that holds `config.json`, or the `.gguf` file
        """)
    try folder.write("x", to: "text.txt")
    #expect(message { _ = try ModelFolder.open(folder.path("text.txt")) }.contains("This is not a GGUF file"))
  }

  @Test("weights in pickles are not read")
  func pickled() throws {
    let text = try model("single") {
      try FileManager.default.moveItem(atPath: $0 + "/model.safetensors", toPath: $0 + "/pytorch_model.bin")
    }
    #expect(
      text == """
        m: error: The model's weights are not safetensors
          why: found [pytorch_model.bin], which can run code when loaded
          try: convert them with `save_pretrained` of transformers
        """)
  }

  @Test("a tensor of another name is missing, with the nearest, and unexpected")
  func missingTensor() throws {
    let text = try model("single") {
      try rewrite($0 + "/model.safetensors") { entry in
        (entry.name == "model.norm.weight" ? "model.norms.weight" : entry.name, entry.shape)
      }
    }
    #expect(
      text == """
        m: error: The model has no tensor `model.norm.weight`
          why: the configuration says that it has
          try: rename `model.norms.weight`, which nothing asks for, if it is meant
        m: error: Tensor `model.norms.weight` has no meaning here
          why: no part of the configured architecture has such a tensor
        """)
  }

  @Test("wrong shapes are told with both, and many are counted")
  func wrongShapes() throws {
    let text = try model("single") { try edit($0 + "/config.json") { $0["intermediate_size"] = 48 } }
    #expect(
      text.hasPrefix(
        """
        m: error: Tensor `model.layers.0.mlp.gate_proj.weight` has shape [40, 32]
          why: the configuration says [48, 32]
        """))
    let other = try TemporaryFolder()
    try copy("ModelFolders/single", to: other.path("m"))
    try edit(other.path("m/config.json")) { $0["hidden_size"] = 64 }
    #expect(message { _ = try ModelFolder.open(other.path("m")) }.hasSuffix("error: 13 more problems of this kind"))
  }

  @Test("a tied model may carry its head twice, an untied one must have it")
  func tying() throws {
    let text = try model("single") { try edit($0 + "/config.json") { $0["tie_word_embeddings"] = true } }
    #expect(text == "nothing thrown")
    try edit(folder.path("m/config.json")) { $0["tie_word_embeddings"] = false }
    try rewrite(folder.path("m/model.safetensors")) { $0.name == "lm_head.weight" ? nil : ($0.name, $0.shape) }
    #expect(message { _ = try ModelFolder.open(folder.path("m")) }.contains("The model has no tensor `lm_head.weight`"))
  }

  @Test("unknown architectures and scalings list the known ones")
  func unknownArchitecture() throws {
    let text = try model("single") { try edit($0 + "/config.json") { $0["model_type"] = "lama" } }
    #expect(text.contains("`model_type` is `lama`, which is not supported"))
    #expect(text.contains("llama"))
    try edit(folder.path("m/config.json")) {
      $0["model_type"] = "llama"
      $0["rope_parameters"] = ["rope_type": "spiral", "rope_theta": 10000.0]
    }
    let scaling = message { _ = try ModelFolder.open(folder.path("m")) }
    #expect(scaling.contains("`spiral`"))
    #expect(scaling.contains("[default, linear, dynamic, yarn, llama3, longrope]"))
  }

  @Test("files cut short, at any length", arguments: ["single/model.safetensors", "tiny.gguf", "single/config.json"])
  func truncated(name: String) throws {
    try copy("ModelFolders/single", to: folder.path("single"))
    try copy("ModelFolders/tiny.gguf", to: folder.path("tiny.gguf"))
    let whole = try Data(contentsOf: URL(fileURLWithPath: folder.path(name)))
    for part in 0..<40 {
      try whole.prefix(whole.count * part / 40).write(to: URL(fileURLWithPath: folder.path(name)))
      let path = folder.path(name.hasSuffix("gguf") ? name : "single")
      let error = #expect(throws: (any Error).self) { try ModelFolder.open(path) }
      #expect(error is any DiagnosticError)
    }
  }

  @Test("an index may omit tensors, but not name files or tensors that are not there")
  func index() throws {
    let index = folder.path("m/model.safetensors.index.json")
    let text = try model("sharded") { folder in
      try edit(folder + "/model.safetensors.index.json") {
        var map = $0["weight_map"]?.object ?? JSONObject()
        map["model.norm.weight"] = nil
        $0["weight_map"] = .object(map)
      }
    }
    #expect(text == "nothing thrown")
    func change(_ tensor: String, _ file: JSON) throws -> String {
      let before = try Data(contentsOf: URL(fileURLWithPath: index))
      defer { try? before.write(to: URL(fileURLWithPath: index)) }
      try edit(index) {
        var map = $0["weight_map"]?.object ?? JSONObject()
        map[tensor] = file
        $0["weight_map"] = .object(map)
      }
      return message { _ = try ModelFolder.open(folder.path("m")) }
    }
    #expect(
      try change("x", "model-00001-of-00003.safetensors") == """
        m/model.safetensors.index.json: error: Tensor `x` is not in `model-00001-of-00003.safetensors`
          why: the index says that it is
          try: fetch the file again
        """)
    #expect(try change("x", "y.safetensors").contains("The weight file `y.safetensors` is missing"))
    #expect(try change("x", "../y.safetensors").contains("`weight_map` gives no file name for `x`"))
    #expect(try change("x", 3).contains("`weight_map` gives no file name for `x`"))
    try Data("{}".utf8).write(to: URL(fileURLWithPath: index))
    #expect(message { _ = try ModelFolder.open(folder.path("m")) }.contains("it has no `weight_map`"))
  }

  @Test(
    "options that are not plain LoRA are refused by name",
    arguments: [
      ("use_qalora", true, "`use_qalora` is true, which is not supported"),
      ("bias", "some", "`bias` is \"some\", which is not supported"),
      ("modules_to_save", 3, "`modules_to_save` is not a list of names"),
      ("rank_pattern", ["q_proj": 0], "`rank_pattern` is not an object of whole numbers from 1 to 65536"),
      ("alpha_pattern", ["(": 1], "`alpha_pattern` is not an object of regular expressions and numbers"),
      ("exclude_modules", "(", "`exclude_modules` is not a regular expression"),
      ("layers_to_transform", "all", "`layers_to_transform` is not a list of numbers"),
      ("peft_type", "POLY", "`peft_type` is \"POLY\", which is not supported"),
      ("task_type", "SEQ_CLS", "`task_type` is \"SEQ_CLS\", which is not supported"),
      ("init_lora_weights", "pissa", "`init_lora_weights` is \"pissa\", which is not supported"),
      ("some_new_key", true, "`some_new_key` is not known"),
      ("lora_alpha", 1e39, "`lora_alpha` is not a number that a float holds"),
      ("r", 0, "`r` is not a whole number from 1 to 65536"), ("r", "4", "`r` is not a number"),
      ("lora_dropout", 1, "`lora_dropout` is not a number from 0 to below 1"),
      ("target_modules", ["lm_head"], "The adapter has no tensor for `lm_head`"),
    ] as [(String, JSON, String)])
  func adapterOptions(key: String, value: JSON, words: String) throws {
    try copy("ModelFolders/adapter", to: folder.path("a"))
    try edit(folder.path("a/adapter_config.json")) { $0[key] = value }
    #expect(message { _ = try AdapterFolder(path: folder.path("a")) }.contains(words))
  }

  @Test("tensors of an adapter that fit nothing, are missing or have another shape")
  func adapterTensors() throws {
    try copy("ModelFolders/adapter", to: folder.path("a"))
    let model = try ModelFolder.open(fixture("ModelFolders/single")).configuration
    let prefix = "base_model.model.model.layers."
    try rewrite(folder.path("a/adapter_model.safetensors")) {
      ($0.name.replacing("layers.1.self_attn.q_proj.lora_A", with: "layers.9.self_attn.q_proj.lora_A"), $0.shape)
    }
    #expect(
      message { try AdapterFolder(path: folder.path("a")).check(against: model) } == """
        a: error: The adapter has no tensor `\(prefix)1.self_attn.q_proj.lora_A.weight`
          why: the model has a module for it, and other blocks have theirs
        a: error: Tensor `\(prefix)9.self_attn.q_proj.lora_A.weight` matches no module of the model
          try: `\(prefix)0.self_attn.q_proj.lora_A.weight`
        """)
    let other = try ModelFolder.open(fixture("ModelFolders/sharded")).configuration
    let text = message { try AdapterFolder(path: fixture("ModelFolders/adapter")).check(against: other) }
    #expect(text.contains("has shape [4, 32]\n  why: the model and the rank say [4, 24]"))
  }

  @Test("what is wrong with an adapter by itself is told when it is looked at, before a model stands beside it")
  func adapterByItself() throws {
    let prefix = "base_model.model.model.layers."
    try copy("ModelFolders/adapter", to: folder.path("a"))
    func outline(_ change: (String) -> String) throws -> String {
      try copy("ModelFolders/adapter", to: folder.path("b"))
      defer { try? FileManager.default.removeItem(atPath: folder.path("b")) }
      try rewrite(folder.path("b/adapter_model.safetensors")) { (change($0.name), $0.shape) }
      return message { _ = try AdapterOutline(AdapterFolder(path: folder.path("b"))) }
    }
    #expect(try outline { $0 } == "nothing thrown")
    let misspelt = try outline {
      $0.replacing("layers.1.self_attn.q_proj.lora_B", with: "layers.1.self_attn.q_prxy.lora_B")
    }
    for name in ["1.self_attn.q_proj.lora_B", "1.self_attn.q_prxy.lora_A", "0.self_attn.q_prxy.lora_A"] {
      #expect(misspelt.contains("The adapter has no tensor `\(prefix)\(name).weight`"), "\(misspelt)")
    }
    #expect(
      try outline { $0.replacing("layers.0.self_attn.q_proj.lora_A", with: "layers.0.self_attn.q_proj.lora_E") }
        .contains("Tensor `\(prefix)0.self_attn.q_proj.lora_E.weight` matches no module of the model"))
    try edit(folder.path("a/adapter_config.json")) { $0["r"] = 3 }
    #expect(
      message { _ = try AdapterOutline(AdapterFolder(path: folder.path("a"))) }
        .contains("has shape [4, 32]\n  why: the model and the rank say [3, 32]"))
  }

  @Test("tensors of a named adapter of PEFT, as training scripts dump them, are told by one of them")
  func dumpedAdapterNames() throws {
    try copy("ModelFolders/adapter", to: folder.path("a"))
    try rewrite(folder.path("a/adapter_model.safetensors")) {
      ($0.name.replacing(".weight", with: ".default.weight"), $0.shape)
    }
    let text = message { _ = try AdapterFolder(path: folder.path("a")) }
    #expect(text.contains("The adapter has no tensors for any linear map"))
    #expect(text.contains(".lora_A.default.weight` matches no module of the model"))
  }

  @Test("tensors under other names than PEFT's are told by one of them")
  func foreignAdapterNames() throws {
    try copy("ModelFolders/adapter", to: folder.path("a"))
    try rewrite(folder.path("a/adapter_model.safetensors")) {
      ($0.name.replacing("base_model.model.", with: "base_model.model._orig_mod."), $0.shape)
    }
    let model = try ModelFolder.open(fixture("ModelFolders/single")).configuration
    let reason = try AdapterOutline(AdapterFolder(path: folder.path("a"))).mismatch(with: model) ?? "none"
    #expect(reason.hasPrefix("it names its tensors otherwise than PEFT does: `base_model.model._orig_mod."))
  }

  @Test("a listed target without any tensor")
  func adapterTargets() throws {
    try copy("ModelFolders/adapter", to: folder.path("a"))
    try rewrite(folder.path("a/adapter_model.safetensors")) {
      $0.name.contains(".gate_proj.") ? nil : ($0.name, $0.shape)
    }
    try edit(folder.path("a/adapter_config.json")) { $0["target_modules"] = ["q_proj", "gate_proj"] }
    #expect(
      message { _ = try AdapterFolder(path: folder.path("a")) }.hasSuffix(
        """
        error: The adapter has no tensor for `gate_proj`
          why: `target_modules` lists it
          try: fetch the adapter again, or take the name out of `target_modules`
        """))
  }

  @Test("folders that are no adapter")
  func noAdapter() throws {
    #expect(message { _ = try AdapterFolder(path: folder.path) }.contains("This is not a PEFT adapter"))
    try copy("ModelFolders/adapter", to: folder.path("a"))
    try FileManager.default.moveItem(
      atPath: folder.path("a/adapter_model.safetensors"), toPath: folder.path("a/adapter_model.bin"))
    #expect(message { _ = try AdapterFolder(path: folder.path("a")) }.contains("can run code when loaded"))
  }
}
