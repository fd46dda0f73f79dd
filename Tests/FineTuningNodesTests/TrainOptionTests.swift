import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// What `train` may do beside its steps, in pipelines.
@Suite("Options of train")
struct TrainOptionTests {
  private static func pipeline(_ train: String, adapter: Bool = true) -> String {
    """
    pipeline: options
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100, validation: 0.5}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      adapted: {type: attach_adapter, model: base, rank: 2}
      tuned:
        {type: train, model: \(adapter ? "adapted" : "base"), data: tokens.train, validation: tokens.validation,
         \(train)}
    """
  }

  /// What a pipeline made; the files live as long as the workspace does.
  private struct Outcome {
    var workspace: TinyWorkspace
    var log: String
    var metrics: ArtefactView

    func text(_ member: String) throws -> String {
      try String(contentsOfFile: metrics.path(of: member), encoding: .utf8)
    }
  }

  private func run(_ train: String) throws -> Outcome {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(Self.pipeline(train))
    let node = try #require(summary["tuned"])
    #expect(summary.state == .done, "\(node.problems.map(\.summary))")
    let metrics = try #require(node.result?.outputs["metrics"])
    return Outcome(
      workspace: workspace, log: try String(contentsOfFile: workspace.folder.path("tuned.log"), encoding: .utf8),
      metrics: ArtefactView(metrics, in: workspace.store))
  }

  @Test func allOfThemTogether() throws {
    let done = try run(
      [
        "max_steps: 6, batch_tokens: 60, learning_rate: 0.01, evaluate_every: 1, evaluate_first: true",
        "early_stopping: {patience: 4, min_delta: 0.001}, keep: best, best_measure: accuracy, ema: {decay: 0.9}",
        "loss_watchdog: {action: warn}, max_grad_value: 0.5, lora_plus_ratio: 4, keep_checkpoints: 1",
        #"groups: [{match: layers\.0, learning_rate_factor: 0.5}, {match: layers\.1.*lora_A, frozen: true}]"#,
        "report_to: [tensorboard, trainer_state, curves]",
      ].joined(separator: ", "))
    #expect(done.log.contains("the result is what was best on held-out rows, after step"))
    #expect(done.log.contains("step 0: held-out loss"))
    #expect(done.metrics.details["best_step"]?.int != nil)
    let lines = try done.text("metrics.jsonl")
    #expect(lines.hasPrefix(#"{"step":0,"eval_loss":"#))
    #expect(done.metrics.contains("tensorboard/events.out.tfevents.0.anneal"))
    let state = try JSON(parsing: done.text("trainer_state.json"), file: "trainer_state.json")
    #expect(state["max_steps"]?.int == 6)
    #expect(state["best_global_step"]?.int == done.metrics.details["best_step"]?.int)
    #expect(state["best_metric"]?.double != nil)
    let history = try #require(state["log_history"]?.array)
    #expect(history.count == lines.split(separator: "\n").count)
    #expect(history.allSatisfy { $0["epoch"]?.double != nil && $0["step"]?.int != nil })
    let curves = try done.text("curves.svg")
    for name in ["loss", "grad_norm", "learning_rate", "accuracy"] { #expect(curves.contains(">\(name)</text>")) }
  }

  /// Every record's frame and every scalar, read by rules of their own.
  @Test func eventFilesHoldTheMetrics() throws {
    let done = try run("max_steps: 3, batch_size: 2, evaluate_every: 2, report_to: [tensorboard]")
    let bytes = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: done.metrics.path(of: "tensorboard/events.out.tfevents.0.anneal"))))
    var found: [String] = []
    var place = 0
    func number<Value: FixedWidthInteger>(_ at: Int, _: Value.Type) -> Value {
      bytes[at..<at + MemoryLayout<Value>.size].reversed().reduce(0) { $0 << 8 | Value($1) }
    }
    while place < bytes.count {
      let length = Int(number(place, UInt64.self))
      #expect(number(place + 8, UInt32.self) == Self.masked(Array(bytes[place..<place + 8])))
      let data = Array(bytes[place + 12..<place + 12 + length])
      #expect(number(place + 12 + length, UInt32.self) == Self.masked(data))
      found += Self.scalars(data)
      place += 16 + length
    }
    var wanted = ["brain.Event:2"]
    for line in try done.text("metrics.jsonl").split(separator: "\n") {
      let record = try JSON(parsing: String(line), file: "metrics.jsonl")
      for (name, value) in record.object?.members ?? [] where !["step", "epoch"].contains(name) {
        let tag = name.hasPrefix("eval_") ? "eval/\(name.dropFirst(5))" : "train/\(name)"
        wanted.append("\(record["step"]?.int ?? 0) \(tag) \(Float(value.double ?? 0))")
      }
    }
    #expect(found == wanted)
    #expect(EventFile.checksum(Array("123456789".utf8)) == 0xE306_9283)
  }

  /// CRC-32C bit by bit, masked.
  private static func masked(_ bytes: [UInt8]) -> UInt32 {
    var sum = UInt32.max
    for byte in bytes {
      for bit in 0..<8 {
        let isSet = (sum ^ UInt32(byte >> UInt8(bit))) & 1 == 1
        sum >>= 1
        if isSet { sum ^= 0x82F6_3B78 }
      }
    }
    sum = ~sum
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  /// The scalars of an event: `step tag value`; or its version.
  private static func scalars(_ data: [UInt8]) -> [String] {
    var step = 0
    var found: [String] = []
    for (field, bytes, value) in fields(data[...]) {
      switch field {
      case 2: step = value
      case 3: found.append(String(decoding: bytes, as: UTF8.self))
      case 5:
        for (_, message, _) in fields(bytes) {
          let parts = fields(message)
          let bits = parts[1].bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
          found.append("\(step) \(String(decoding: parts[0].bytes, as: UTF8.self)) \(Float(bitPattern: bits))")
        }
      default: break
      }
    }
    return found
  }

  private static func fields(_ data: ArraySlice<UInt8>) -> [(field: Int, bytes: ArraySlice<UInt8>, value: Int)] {
    var rest = data
    func varint() -> Int {
      var (value, shift) = (0, 0)
      while let byte = rest.popFirst() {
        value |= Int(byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 { break }
      }
      return value
    }
    var found: [(field: Int, bytes: ArraySlice<UInt8>, value: Int)] = []
    while !rest.isEmpty {
      let tag = varint()
      switch tag & 7 {
      case 0: found.append((tag >> 3, [], varint()))
      case let type:
        let length = type == 1 ? 8 : type == 5 ? 4 : varint()
        found.append((tag >> 3, rest.prefix(length), 0))
        rest = rest.dropFirst(length)
      }
    }
    return found
  }

  @Test func aRangeTestHasItsPicture() throws {
    let done = try run(
      "max_steps: 4, batch_size: 2, learning_rate: 0.1, schedule: {type: range_test}, evaluate_every: 4")
    #expect(try done.text("range.svg").contains("Loss over the learning rate"))
    let rates = try done.text("metrics.jsonl").split(separator: "\n").compactMap { line in
      try JSON(parsing: String(line), file: "metrics.jsonl")["learning_rate"]?.double
    }
    let wanted = [1e-5, 1e-5 * pow(1e4, 1.0 / 3), 1e-5 * pow(1e4, 2.0 / 3), 0.1]
    #expect(rates.count == 4)
    for (rate, value) in zip(rates, wanted) { #expect(abs(rate / value - 1) < 1e-9) }
  }

  @Test func aTrainingThatTheClockEndsSaysSo() throws {
    let done = try run("max_steps: 1000000, batch_size: 1, max_time: 0.2, evaluate_every: 1000000")
    #expect(done.log.contains("`max_time` ended the training after step"))
    #expect(done.metrics.details["ended_by"]?.string == "max_time")
    #expect(try #require(done.metrics.details["steps"]?.int) < 1_000_000)
  }

  @Test(
    "Says what does not fit",
    arguments: [
      (
        "early_stopping: {patience: 2}",
        "`early_stopping` goes by evaluations on held-out rows, of which there are none"
      ),
      ("keep: best", "`keep` goes by evaluations on held-out rows, of which there are none"),
      ("evaluate_every: 1, best_measure: nll", "`best_measure` has no effect without `early_stopping`"),
      ("evaluate_every: 1, keep: best, best_measure: kl", "Nothing says whether a higher `kl` is better"),
      ("evaluate_every: 1, keep: best, best_measure: acuracy", "`sft` tells no `acuracy` of held-out rows"),
      ("evaluate_every: 1, early_stopping: {}, best_measure: rewards_margin", "`sft` tells no `rewards_margin`"),
      ("max_steps: 3", "`validation` has no effect: nothing says how often to evaluate"),
      (
        "max_steps: 2, schedule: {type: linear, warmup_steps: 300}, evaluate_every: 1",
        "The warm-up has 300 steps, the training 2: the rate never reaches its peak"
      ),
      (
        "evaluate_every: 1, schedule: {type: warmup_stable_decay, warmup_ratio: 0.9, decay_ratio: 0.5}",
        "Warm-up and fall are longer than the training together"
      ),
      ("groups: [{match: (}]", "`(` is no regular expression"),
      ("groups: [{frozen: true}]", "`match`"),
      ("groups: [{match: a, frozen: true, learning_rate_factor: 2}]", "`learning_rate_factor` has no effect"),
      ("learning_rate: 0, groups: [{match: a, learning_rate: 1}]", "Groups have a `learning_rate` of their own"),
      ("batch_size: 4, batch_tokens: 100", "`batch_size` has no effect"),
      (
        "ema: {decay: 0.9}, schedule: {type: constant}, optimizer: {type: adamw_schedule_free}",
        "`adamw_schedule_free` takes an average of all steps by itself"
      ),
    ])
  func refuses(fields: String, words: String) throws {
    do {
      _ = try TinyWorkspace().pipeline(Self.pipeline(fields))
      Issue.record("\(fields) is accepted")
    } catch let error as any DiagnosticError {
      #expect(error.diagnostics.contains { $0.summary.contains(words) }, "\(error.diagnostics.map(\.summary))")
    }
  }

  @Test func loraPlusWantsAnAdapter() throws {
    do {
      _ = try TinyWorkspace().pipeline(Self.pipeline("lora_plus_ratio: 16, evaluate_every: 1", adapter: false))
      Issue.record("accepted")
    } catch let error as any DiagnosticError {
      #expect(error.diagnostics.map(\.summary) == ["`lora_plus_ratio` has no effect: the model has no adapter"])
    }
  }

  /// What a group cannot be about is known when the parameters are.
  @Test func aGroupAboutNothingFailsBeforeTheFirstStep() throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(
      Self.pipeline("max_steps: 1, evaluate_every: 1, groups: [{match: experts, frozen: true}]"))
    let problems = summary.nodes.flatMap(\.problems).filter { $0.severity == .error }
    #expect(problems.map(\.summary) == ["`experts` matches no parameter that is trained"])
    #expect(problems.first?.advice?.contains("layers.N.self_attn.q_proj.lora_A.weight`") == true)
  }

  /// A share of few rows may be none.
  @Test func noHeldOutRowsFailBeforeTheFirstStep() throws {
    let workspace = try TinyWorkspace()
    let text = Self.pipeline("max_steps: 100, evaluate_every: 100").replacing(
      "validation: 0.5", with: "validation: 0.000001")
    let summary = try workspace.run(text)
    let problems = summary.nodes.flatMap(\.problems).filter { $0.severity == .error }
    #expect(problems.map(\.summary) == ["There are no held-out rows: the set at `validation` has none"])
    #expect(summary["tuned"]?.result == nil)
  }
}
