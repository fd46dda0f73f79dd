import Diagnostics
import Foundation
import LanguageModels
import ModelFolders
import PreciseJSON
import Tensors
import TestKit
import Testing

@Suite("Damaged models never crash")
struct DamageTests {
  @Test(
    "random bytes in any file end in a located error or a model",
    arguments: [
      "single/config.json", "single/model.safetensors", "sharded/model.safetensors.index.json", "tiny.gguf",
      "adapter/adapter_config.json", "adapter/adapter_model.safetensors",
    ])
  func damage(name: String) throws {
    let folder = try TemporaryFolder()
    let top = String(name.split(separator: "/")[0])
    try copy("ModelFolders/" + top, to: folder.path(top))
    let file = URL(fileURLWithPath: folder.path(name))
    let bytes = [UInt8](try Data(contentsOf: file))
    var random = SeededGenerator(seed: 12)
    var opened = 0
    for _ in 0..<400 {
      // Headers are where damage shows; the rest of a tensor file is numbers.
      let head = random.damaged(Array(bytes.prefix(4000)))
      try Data(head.count < min(4000, bytes.count) ? head : head + bytes.dropFirst(4000)).write(to: file)
      do {
        if top == "adapter" {
          _ = try AdapterFolder(path: folder.path(top))
        } else {
          let model = try ModelFolder.open(folder.path(top))
          for tensor in model.configuration.tensors {
            _ = try model.weights.tensor(named: tensor.name, shape: tensor.shape)
          }
        }
        opened += 1
      } catch { #expect(error is any DiagnosticError, "\(error)") }
    }
    #expect(opened < 400)
  }

  @Test(
    "sizes that no machine has are refused at once",
    arguments: [
      ("num_hidden_layers", 16_000_000), ("hidden_size", 16_000_000), ("vocab_size", 16_000_000),
      ("num_hidden_layers", Int.max), ("num_attention_heads", 0), ("head_dim", -2),
    ])
  func hugeSizes(key: String, value: Int) throws {
    let folder = try TemporaryFolder()
    try copy("ModelFolders/single", to: folder.path("m"))
    try edit(folder.path("m/config.json")) { $0[key] = JSON(value) }
    let error = #expect(throws: (any Error).self) { try ModelFolder.open(folder.path("m")) }
    #expect(error is any DiagnosticError)
  }
}
