import Foundation
import PreciseJSON
import TestKit

/// A project folder with a tiny model, some rows, a pipeline and a store of its own, in which the built program runs.
final class Project: Sendable {
  /// What a finished command left.
  struct Outcome {
    var code: Int32
    var output: String
    var messages: String
  }

  let folder: TemporaryFolder

  /// - Parameter rows: The rows of `data.jsonl`, from the project's own assistant set.
  init(rows: Int = 40) throws {
    folder = try TemporaryFolder()
    try folder.write(Self.pipeline, to: "pipeline.yaml")
    try write(rows: Self.lines.prefix(rows).map { $0 })
    try FileManager.default.copyItem(atPath: fixture("Command/tiny"), toPath: folder.path("tiny"))
  }

  /// Conversations from the shipped dataset.
  static let lines: [String] = {
    let text = (try? String(contentsOfFile: repository + "/data/assistant.jsonl", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }()

  func write(rows: [String]) throws { try folder.write(rows.joined(separator: "\n") + "\n", to: "data.jsonl") }

  /// The folder of the whole project.
  static let repository = URL(fileURLWithPath: fixture("")).deletingLastPathComponent().deletingLastPathComponent().path

  /// The program beside the test bundle.
  static var program: String {
    let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("anneal").path
  }

  /// Starts a command in the project folder, or in another one.
  ///
  /// - Parameter input: What it reads on standard input.
  func start(
    _ arguments: [String], in place: String? = nil, environment: [String: String] = [:], input: String? = nil
  ) throws -> (Process, () -> Outcome) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: place ?? folder.path)
    process.environment = ProcessInfo.processInfo.environment
      .merging(["ANNEAL_STORE": folder.path("store"), "NO_COLOR": "1"]) { $1 }
      .merging(environment) { $1 }
    // Files rather than pipes: a pipe that nobody reads would stop a talkative command.
    let name = UUID().uuidString
    let (output, messages) = (folder.path("out-\(name)"), folder.path("err-\(name)"))
    for path in [output, messages] { try Data().write(to: URL(fileURLWithPath: path)) }
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: messages))
    process.standardInput = FileHandle.nullDevice
    if let input {
      let path = try folder.write(input, to: "in-\(name)")
      process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    }
    try process.run()
    return (
      process,
      {
        process.waitUntilExit()
        return Outcome(
          code: process.terminationStatus, output: (try? String(contentsOfFile: output, encoding: .utf8)) ?? "",
          messages: (try? String(contentsOfFile: messages, encoding: .utf8)) ?? "")
      }
    )
  }

  /// Runs a command to its end.
  @discardableResult
  func anneal(
    _ arguments: String..., environment: [String: String] = [:], input: String? = nil
  ) throws -> Outcome {
    try start(arguments, environment: environment, input: input).1()
  }

  /// The state of each node in the newest run.
  func states() throws -> [String: String] {
    let shown = try anneal("show", "--json")
    let nodes = try JSON(parsing: shown.output)["nodes"]?.array ?? []
    return Dictionary(
      nodes.compactMap { node in
        guard let name = node["name"]?.string, let state = node["state"]?.string else { return nil }
        return (name, state)
      }
    ) { first, _ in first }
  }

  /// The nodes that ran in the newest run.
  func ran() throws -> Set<String> { Set(try states().filter { $0.value == "ran" }.keys) }

  static let pipeline = """
    pipeline: tiny
    params:
      base: tiny
    nodes:
      tokenizer: {type: load_tokenizer, from: "${base}"}
      model: {type: load_model, from: "${base}"}
      rows: {type: load_dataset, from: data.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens:
        {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 256, overlong: truncate, packing: true,
         validation: 0.2}
      lora: {type: attach_adapter, model: model, rank: 4}
      sft: {type: train, model: lora, data: tokens.train, epochs: 3, batch_size: 2, learning_rate: 1e-3, save_every: 1}
      quality: {type: evaluate, model: sft, data: tokens.validation}
      merged: {type: merge, model: sft}
      release: {type: export, model: merged, tokenizer: tokenizer}
    outputs: [quality, release]

    """
}
