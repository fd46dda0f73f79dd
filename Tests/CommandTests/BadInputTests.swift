import Foundation
import PreciseJSON
import TestKit
import Testing

/// Bad input ends in one clear message, the right exit code, and a store that the next run can use.
@Suite(.serialized) struct BadInputTests {
  /// Runs, expects a failure with these words, mends, and expects the next run to succeed.
  private func expect(
    _ words: [String], code: Int32, breaking: (Project) throws -> Void, mending: (Project) throws -> Void
  ) throws {
    let project = try Project(rows: 20)
    try project.edit("epochs: 3", "max_steps: 1")
    try breaking(project)
    let failed = try project.anneal("run", "pipeline.yaml")
    #expect(failed.code == code, "\(failed.messages)")
    for word in words { #expect(failed.messages.contains(word), "wanted `\(word)` in:\n\(failed.messages)") }
    #expect(!failed.messages.contains("Fatal error"))
    try mending(project)
    let mended = try project.anneal("run", "pipeline.yaml")
    #expect(mended.code == 0, "\(mended.messages)")
  }

  @Test func missingDataset() throws {
    try expect(["pipeline.yaml:", "data.jsonl"], code: 2) {
      try FileManager.default.removeItem(atPath: $0.folder.path("data.jsonl"))
    } mending: {
      try $0.write(rows: Project.lines.prefix(20).map { $0 })
    }
  }

  @Test func folderInsteadOfAFile() throws {
    try expect(["data.jsonl"], code: 2) {
      try FileManager.default.removeItem(atPath: $0.folder.path("data.jsonl"))
      try FileManager.default.createDirectory(atPath: $0.folder.path("data.jsonl"), withIntermediateDirectories: false)
    } mending: {
      try FileManager.default.removeItem(atPath: $0.folder.path("data.jsonl"))
      try $0.write(rows: Project.lines.prefix(20).map { $0 })
    }
  }

  @Test func truncatedWeights() throws {
    let path = "tiny/model.safetensors"
    var whole = Data()
    try expect(["model.safetensors", "cut short"], code: 2) {
      let url = URL(fileURLWithPath: $0.folder.path(path))
      whole = try Data(contentsOf: url)
      try whole.prefix(whole.count / 2).write(to: url)
    } mending: {
      try whole.write(to: URL(fileURLWithPath: $0.folder.path(path)))
    }
  }

  @Test func brokenTokenizer() throws {
    let path = "tiny/tokenizer.json"
    var whole = ""
    try expect(["pipeline.yaml:", "nodes.tokenizer.from", "tiny/tokenizer.json"], code: 2) {
      whole = try String(contentsOfFile: $0.folder.path(path), encoding: .utf8)
      try $0.folder.write(String(whole.prefix(whole.count / 2)), to: path)
      #expect(try $0.anneal("validate", "pipeline.yaml").code == 2)
    } mending: {
      try $0.folder.write(whole, to: path)
    }
  }

  @Test func rowWithoutAnswer() throws {
    try expect(["data.jsonl:2, row 2", "no answer"], code: 1) {
      try $0.write(rows: [Project.lines[0], #"{"messages":[{"role":"user","content":"Hi"}]}"#])
    } mending: {
      try $0.write(rows: Project.lines.prefix(20).map { $0 })
    }
  }

  @Test func emptyDataset() throws {
    try expect(["data.jsonl", "The dataset is empty"], code: 1) {
      try $0.folder.write("", to: "data.jsonl")
    } mending: {
      try $0.write(rows: Project.lines.prefix(20).map { $0 })
    }
  }

  @Test func tokenizerOfAnotherModel() throws {
    try expect(["tokens were made by another tokenizer", "`tokens`", "`sft`"], code: 2) { project in
      let other = project.folder.path("other")
      try FileManager.default.copyItem(atPath: project.folder.path("tiny"), toPath: other)
      for name in ["/tokenizer.json", "/tokenizer_config.json"] {
        let text = try String(contentsOfFile: other + name, encoding: .utf8)
        try text.replacing("<|endoftext|>", with: "<|end_of_text|>")
          .write(toFile: other + name, atomically: true, encoding: .utf8)
      }
      try project.edit(#"load_tokenizer, from: "${base}""#, "load_tokenizer, from: other")
    } mending: {
      try $0.edit("load_tokenizer, from: other", #"load_tokenizer, from: "${base}""#)
    }
  }

  @Test func readOnlyStore() throws {
    // Root may write anywhere, so a file stands where the store's folder should be.
    try expect(["store"], code: 1) {
      try $0.folder.write("", to: "store")
    } mending: {
      try FileManager.default.removeItem(atPath: $0.folder.path("store"))
    }
  }

  @Test func rowsLongerThanTheModelAllows() throws {
    try expect(["the model was made for 512 tokens"], code: 2) {
      try $0.edit("max_length: 256", "max_length: 1024")
    } mending: {
      try $0.edit("max_length: 1024", "max_length: 256")
    }
  }

  @Test func severalMistakesAtOnce() throws {
    try expect(["`learning_rat`", "`learning_rate`", "Unknown node type `evaluat`", "pipeline.yaml:"], code: 2) {
      try $0.edit("learning_rate", "learning_rat")
      try $0.edit("evaluate", "evaluat")
    } mending: {
      try $0.edit("learning_rat:", "learning_rate:")
      try $0.edit("type: evaluat,", "type: evaluate,")
    }
  }

  @Test func anInterruptedWorkerIsOneFailedNode() throws {
    let project = try Project()
    try project.edit("epochs: 3", "epochs: 3000")
    let (process, finish) = try project.start(["run", "pipeline.yaml"])
    let deadline = Date().addingTimeInterval(60)
    var worker: Int32?
    while Date() < deadline, worker == nil {
      worker = Self.child(of: process.processIdentifier, training: project.folder.path("store/checkpoints"))
      Thread.sleep(forTimeInterval: 0.02)
    }
    kill(try #require(worker), SIGKILL)
    let failed = finish()
    #expect(failed.code == 1, "\(failed.messages)")
    #expect(failed.messages.contains("SIGKILL"), "\(failed.messages)")
    #expect(try project.states()["sft"] == "failed")
    #expect(try project.states()["quality"] == "blocked")
    try project.edit("epochs: 3000", "epochs: 1")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
  }

  /// The worker process of a run, once it has written a checkpoint.
  private static func child(of parent: Int32, training checkpoints: String) -> Int32? {
    guard
      (try? FileManager.default.subpathsOfDirectory(atPath: checkpoints))?.contains(where: {
        $0.contains("checkpoint-")
      }) == true
    else { return nil }
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return processes.compactMap { Int32($0) }.first { process in
      guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
      // After the name in parentheses: the state and the parent.
      let fields = status.drop { $0 != ")" }.split(separator: " ")
      return fields.count > 2 && fields[2] == "\(parent)"
    }
  }
}
