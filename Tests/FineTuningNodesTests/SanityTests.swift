import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Each check of `sanity.json`, provoked in a pipeline.
struct SanityTests {
  private static let pipeline = """
    pipeline: sanity
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      lora: {type: attach_adapter, model: base, rank: 2}
      sft: {type: train, model: lora, data: tokens.train, max_steps: 3, batch_size: 2, learning_rate: 1e-3}
      quality: {type: evaluate, model: sft, data: tokens.train}
      merged: {type: merge, model: sft}
      folder: {type: export, model: merged, tokenizer: tokenizer}
      adapter_folder: {type: export, model: sft, tokenizer: tokenizer}
    """

  /// The checks of a node: name → member of `sanity.json`.
  private func checks(_ summary: RunSummary, _ node: String) throws -> [String: JSON] {
    let outputs = try #require(summary[node]?.result?.outputs, "\(summary[node]?.problems ?? [])")
    let found = outputs.values.compactMap { $0.details["sanity"]?.object }
    #expect(found.count == 1)
    return Dictionary(uniqueKeysWithValues: (found.first?.members ?? []).map { ($0.key, $0.value) })
  }

  private func run(
    _ workspace: TinyWorkspace, _ changes: (old: String, new: String)...
  ) throws -> RunSummary {
    var text = Self.pipeline
    for change in changes {
      #expect(text.contains(change.old), "the pipeline has no `\(change.old)`")
      text = text.replacing(change.old, with: change.new)
    }
    return try workspace.run(text)
  }

  private func log(_ workspace: TinyWorkspace, _ node: String) throws -> String {
    try String(contentsOfFile: workspace.folder.path("\(node).log"), encoding: .utf8)
  }

  @Test func everyStageIsCheckedAndHealthyOnesAreFine() throws {
    let workspace = try TinyWorkspace()
    let summary = try run(workspace)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let expected: [(String, [String])] = [
      (
        "sft",
        [
          "adapter_effective", "disk_space", "first_loss", "gradient", "moved_parameters", "rows_without_labels",
          "stop_token",
        ]
      ),
      ("quality", ["loss", "stop_token"]),
      ("merged", ["adapter_effective", "disk_space", "finite_tensors", "merged_model"]),
      ("folder", ["chat_settings", "finite_tensors", "vocabulary"]),
      ("adapter_folder", ["chat_settings", "finite_tensors", "vocabulary"]),
    ]
    for (node, names) in expected {
      let found = try checks(summary, node)
      #expect(found.keys.sorted() == names, "\(node)")
      for (name, check) in found { #expect(check["verdict"]?.string == "fine", "\(node).\(name): \(check.text())") }
    }
    let findings = summary.nodes.compactMap { node in node.result.map { (node.name, SanityFindings($0)) } }
    #expect(SanityFindings.lines(findings) == ["sanity: 19 checks fine"])
    let lines = try log(workspace, "sft").split(separator: "\n").filter { $0.hasPrefix("sanity: ") }
    #expect(lines.count == 7)
    #expect(lines.contains("sanity: stop_token: fine: 6 of 6 answers end with a stop token, `<|im_end|>` (2)"))
  }

  /// A merged model is what its adapter was trained beside, whatever form the base was held in.
  @Test(arguments: ["as_stored", "bf16", "int8", "nf4"])
  func basesThatAreHeldInOtherFormsAreFine(weights: String) throws {
    let summary = try run(TinyWorkspace(), ("compute: f32", "compute: f32, weights: \(weights)"))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    for node in ["sft", "quality", "merged"] {
      for (name, check) in try checks(summary, node) {
        #expect(check["verdict"]?.string == "fine", "\(node).\(name): \(check.text())")
      }
    }
    let models = try ["sft", "merged"].map { try #require(summary[$0]?.result?.outputs["model"]) }
    #expect(models.map { $0.details["weights"]?.string } == [weights, nil])
    #expect(models.map { $0.type.facets["weights"] } == [.text(weights), nil])
  }

  @Test func theMemberAndTheDetailSayTheSame() throws {
    let workspace = try TinyWorkspace()
    let summary = try run(workspace)
    for (node, port) in [("sft", "metrics"), ("merged", "metrics"), ("quality", "metrics")] {
      let artefact = try #require(summary[node]?.result?.outputs[port])
      let path = try ArtefactView(artefact, in: workspace.store).path(of: "sanity.json")
      let member = try JSON(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))), file: path)
      #expect(member == artefact.details["sanity"], "\(node)")
      #expect(artefact.members.map(\.path).contains("sanity.json"))
    }
    // What other programs load has no file that they do not know.
    let folder = try #require(summary["folder"]?.result?.outputs["folder"])
    #expect(
      folder.members.map(\.path) == [
        "README.md", "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
      ])
  }

  @Test func aTemplateWithoutAnEndMark() throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(
      "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", to: "plain.jinja")
    let summary = try run(
      workspace,
      ("dataset: rows, tokenizer: tokenizer", "dataset: rows, tokenizer: tokenizer, template: DIR/plain.jinja"))
    let check = try #require(checks(summary, "sft")["stop_token"])
    #expect(check["verdict"]?.string == "warning")
    #expect(check["summary"]?.string?.hasPrefix("No answer ends with a stop token, ") == true, "\(check.text())")
    #expect(check["evidence"]?["answers"]?.int == 6 && check["evidence"]?["ended"]?.int == 0)
  }

  @Test func rowsThatTeachNothingStopTheTrainingBeforeItStarts() throws {
    let workspace = try TinyWorkspace()
    let words = String(repeating: "word ", count: 200)
    let rows = (1...20).map { number in
      #"{"messages":[{"role":"user","content":"\#(number == 1 ? "Hi" : words)"},"#
        + #"{"role":"assistant","content":"Yes \#(number)."}]}"# + "\n"
    }
    try workspace.folder.write(rows.joined(), to: "rows.jsonl")
    let summary = try run(workspace, ("max_length: 100", "max_length: 8, overlong: truncate"))
    let report = try #require(summary["tokens"]?.result?.outputs["train"]?.details["report"])
    #expect(report["records_without_labels"]?.int == 19)
    #expect(summary["sft"]?.state == .failed)
    let problem = try #require(summary["sft"]?.problems.first)
    #expect(problem.code == "sanity-rows-without-labels")
    #expect(problem.summary == "19 of 20 rows (95.0%) teach nothing")
  }

  @Test func nothingMovesWithoutALearningRate() throws {
    let summary = try run(TinyWorkspace(), ("learning_rate: 1e-3", "learning_rate: 0"))
    let found = try checks(summary, "sft")
    let moved = try #require(found["moved_parameters"])
    #expect(moved["verdict"]?.string == "warning")
    #expect(moved["summary"]?.string == "None of the 28 trained parameters moved")
    #expect(moved["reason"]?.string == "the learning rate was 0 in every step")
    let adapter = try #require(found["adapter_effective"])
    #expect(
      adapter["summary"]?.string
        == "The adapter changes nothing at 14 of its 14 linear maps: `model.layers.0.self_attn.q_proj`, "
        + "`model.layers.0.self_attn.k_proj`, `model.layers.0.self_attn.v_proj`, `model.layers.0.self_attn.o_proj`, "
        + "and 10 more")
    let findings = summary.nodes.compactMap { node in node.result.map { (node.name, SanityFindings($0)) } }
    let lines = SanityFindings.lines(findings)
    #expect(lines.contains("sanity: sft: warning: None of the 28 trained parameters moved"), "\(lines)")
    #expect(lines.last == "sanity: 16 checks fine", "\(lines)")
  }

  /// One step moves B alone: A has no gradient while B is zero.
  @Test func theFirstStepOfAFreshAdapterIsNoAlarm() throws {
    let summary = try run(TinyWorkspace(), ("max_steps: 3", "max_steps: 1"))
    let moved = try #require(checks(summary, "sft")["moved_parameters"])
    #expect(moved["verdict"]?.string == "fine", "\(moved.text())")
  }

  @Test func aModelThatIsWorseThanGuessing() throws {
    let workspace = try TinyWorkspace()
    // 64 times the norm before the head makes every wrong guess a sure one.
    try TensorBytes.change("model.norm.weight", in: workspace.folder.path("tiny/model.safetensors")) {
      $0 & 0x7F80 >= 0x7000 ? $0 : $0 + (6 << 7)
    }
    let summary = try run(workspace)
    for (node, name) in [("sft", "first_loss"), ("quality", "loss")] {
      let check = try #require(checks(summary, node)[name])
      #expect(check["verdict"]?.string == "warning", "\(check.text())")
      #expect(check["summary"]?.string?.contains("worse than guessing") == true)
    }
  }

  @Test func gradientsThatStayZeroEndTheTraining() throws {
    let workspace = try TinyWorkspace()
    try TensorBytes.change("model.norm.weight", in: workspace.folder.path("tiny/model.safetensors")) { _ in 0 }
    let short = try run(workspace)
    let check = try #require(checks(short, "sft")["gradient"])
    #expect(check["summary"]?.string == "The gradient was exactly zero in 3 steps")
    let long = try run(workspace, ("max_steps: 3", "max_steps: 30"))
    let problem = try #require(long["sft"]?.problems.first)
    #expect(problem.code == "gradient-zero")
    #expect(problem.summary == "The gradient was exactly zero for 8 steps, up to step 8")
  }

  @Test func aDiskWithoutRoomIsFoundBeforeTheFirstStep() throws {
    let workspace = try TinyWorkspace(freeSpace: 20_000)
    let summary = try run(workspace, ("max_steps: 3", "max_steps: 3, save_every: 1"))
    #expect(summary["sft"]?.state == .failed)
    let problem = try #require(summary["sft"]?.problems.first)
    #expect(problem.code == "sanity-disk-space")
    #expect(problem.summary.hasPrefix("The store's file system has no room for the result: "), "\(problem.summary)")
    #expect(problem.summary.hasSuffix(" are needed, 19.5 KiB are free"), "\(problem.summary)")
    #expect(try !log(workspace, "sft").contains("step 1"))
  }

  @Test func anAdapterOfZerosIsNotContinued() throws {
    let workspace = try TinyWorkspace()
    try TensorBytes.change(nil, in: workspace.folder.path("adapter/adapter_model.safetensors")) { _ in 0 }
    let summary = try run(workspace, ("model: base, rank: 2", "model: base, from: DIR/adapter"))
    let problem = try #require(summary["lora"]?.problems.first)
    #expect(problem.code == "sanity-adapter-start")
    #expect(problem.summary.hasPrefix("The adapter can never learn at 4 of its 4 linear maps: "), "\(problem.summary)")
  }

  @Test func aMergedModelThatIsAnotherOne() throws {
    let workspace = try TinyWorkspace()
    let summary = try run(workspace, ("model: base, rank: 2", "model: base, from: DIR/adapter"))
    let artefact = try #require(summary["lora"]?.result?.outputs["model"])
    let merged = try #require(summary["merged"]?.result?.outputs["model"])
    let view = ArtefactView(artefact, in: workspace.store)
    try view.linkMembers(into: workspace.folder.path("lora"))
    try ArtefactView(merged, in: workspace.store).linkMembers(into: workspace.folder.path("merged"))
    let given = ModelArtefact(view, folder: workspace.folder.path("lora"), threads: 1)
    // The base itself is not the base with its adapter.
    let unmerged = try MergeComparison(artefact: given, merged: workspace.folder.path("lora/base"), threads: 1).run()
    #expect(unmerged.verdict == .error, "\(unmerged.words)")
    let right = try MergeComparison(artefact: given, merged: workspace.folder.path("merged/base"), threads: 1).run()
    #expect(right.verdict == .fine, "\(right.words)")
  }

  @Test func weightsThatAreNoNumbersAreNotExported() throws {
    let workspace = try TinyWorkspace()
    try TensorBytes.change("model.layers.1.mlp.up_proj.weight", in: workspace.folder.path("tiny/model.safetensors")) {
      _ in
      0x7FC0
    }
    let summary = try workspace.run(
      """
      pipeline: p
      nodes:
        tokenizer: {type: load_tokenizer, from: DIR/tiny}
        base: {type: load_model, from: DIR/tiny}
        folder: {type: export, model: base, tokenizer: tokenizer}
      """)
    let problem = try #require(summary["folder"]?.problems.first)
    #expect(problem.code == "sanity-finite-tensors")
    #expect(problem.summary.hasSuffix("hold values that are no finite numbers: `model.layers.1.mlp.up_proj.weight`"))
  }

  @Test func aTokenizerThatIsTooLargeIsNotExported() throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(
      """
      pipeline: p
      nodes:
        tokenizer: {type: load_tokenizer, from: DIR/tiny}
        base: {type: load_model, from: \(fixture("LanguageModels/gqa"))}
        folder: {type: export, model: base, tokenizer: tokenizer}
      """)
    let problem = try #require(summary["folder"]?.problems.first)
    #expect(problem.code == "sanity-vocabulary")
    #expect(problem.summary == "The tokenizer has 320 tokens, the model's embedding only 90 rows")
  }

  /// What a training leaves for comparisons goes into no export and decides nothing in the next training.
  @Test func theProbeIsThere() throws {
    let workspace = try TinyWorkspace()
    let summary = try run(workspace)
    let model = try #require(summary["sft"]?.result?.outputs["model"])
    let path = try ArtefactView(model, in: workspace.store).path(of: "probe.json")
    let probe = try JSON(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))), file: path)
    let sequences = try #require(probe["sequences"]?.array)
    #expect(sequences.count == 4)
    #expect(sequences.allSatisfy { ($0.array?.count ?? 0) > 2 })
  }
}

/// Changes the 16-bit words of a tensor in a safetensors file.
private enum TensorBytes {
  /// - Parameter name: The tensor's; nil for all of them.
  static func change(_ name: String?, in path: String, _ body: (UInt16) -> UInt16) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let size = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    let header = try JSON(parsing: Array(bytes[8..<8 + size]), file: path)
    var range = 8 + size..<bytes.count
    if let name {
      let offsets = (header[name]?["data_offsets"]?.array ?? []).compactMap(\.int)
      try #require(offsets.count == 2, "no tensor `\(name)`")
      range = 8 + size + offsets[0]..<8 + size + offsets[1]
    }
    for index in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
      let word = body(UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8)
      bytes[index] = UInt8(truncatingIfNeeded: word)
      bytes[index + 1] = UInt8(truncatingIfNeeded: word >> 8)
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }
}
