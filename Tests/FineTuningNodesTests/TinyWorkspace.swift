import FineTuningNodes
import Foundation
import Pipeline
import TestKit

/// A folder with a tiny model, a few rows, an adapter of exact numbers and a store, in which pipelines run without
/// worker processes.
final class TinyWorkspace: Sendable {
  let folder: TemporaryFolder
  let store: Store

  /// - Parameter freeSpace: The bytes that the store's file system is said to have left.
  init(freeSpace: Int? = nil) throws {
    folder = try TemporaryFolder()
    var files = FileSystem(isDurable: false)
    if let freeSpace { files.freeSpace = { _ in freeSpace } }
    store = Store(path: folder.path("store"), files: files)
    try FileManager.default.copyItem(atPath: fixture("Command/tiny"), toPath: folder.path("tiny"))
    try folder.write(Self.rows, to: "rows.jsonl")
    try ExactAdapter.write(to: folder.path("adapter"))
  }

  /// Conversations of this test alone, so that no other dataset's change is a change here.
  private static let rows = (1...6).map {
    #"{"messages":[{"role":"user","content":"What is \#($0) plus \#($0)?"},"#
      + #"{"role":"assistant","content":"It is \#($0 + $0)."}]}"# + "\n"
  }.joined()

  /// Reads a pipeline text in which `DIR` stands for the folder.
  func pipeline(_ text: String, in store: Store? = nil) throws -> ResolvedPipeline {
    try PipelineFile.load(
      text: text.replacing("DIR", with: folder.path), file: "tiny.yaml", registry: fineTuningNodes,
      sources: (store ?? self.store).sources)
  }

  /// Runs a pipeline, in the workspace's store unless another is given, and gives what its nodes made.
  func run(
    _ text: String, in store: Store? = nil, options: RunOptions = RunOptions(), sinks: [any EventSink] = [],
    remotes: RemoteCaches = RemoteCaches(), cancellation: Cancellation = Cancellation(),
    clock: @escaping Planner.Clock = wallClock
  ) throws -> RunSummary {
    let store = store ?? self.store
    let keeper = LeaseKeeper(store: store)
    let executor = InProcessExecutor(
      store: store, keeper: keeper, check: fineTuningChecks, helper: toyEngine().map { [$0] } ?? [])
    let logs = folder.path
    let scheduler = Scheduler(
      store: store, check: fineTuningChecks, heavy: executor, keeper: keeper, remotes: remotes, sinks: sinks,
      clock: clock, logPath: { "\(logs)/\($0).log" })
    return try scheduler.run(
      pipeline(text, in: store), id: RunHistory.newIdentifier(), project: folder.path, options: options,
      cancellation: cancellation)
  }
}

/// A PEFT folder whose numbers are so round that every sum and product with them is exact in f32, in any order: what is
/// computed from it is the same on every processor.
enum ExactAdapter {
  /// Width of the tiny model, and of its two adapted matrices `q_proj` and `o_proj`.
  private static let width = 32
  private static let rank = 2

  static func write(to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let configuration = """
      {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "tiny", "r": \(rank), \
      "lora_alpha": \(2 * rank), "lora_dropout": 0.0, "bias": "none", "target_modules": ["q_proj", "o_proj"]}
      """
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: folder + "/adapter_config.json"))
    try tensors().write(to: URL(fileURLWithPath: folder + "/adapter_model.safetensors"))
  }

  /// The safetensors file: header size, header, values in the header's order.
  private static func tensors() -> Data {
    var header: [String] = []
    var values = Data()
    for layer in 0..<2 {
      for target in ["o_proj", "q_proj"] {
        for (part, shape) in [("lora_A", [rank, width]), ("lora_B", [width, rank])] {
          let start = values.count
          for index in 0..<(rank * width) {
            let value = Float((index * 7 + layer) % 5 - 2) / 16
            withUnsafeBytes(of: value.bitPattern.littleEndian) { values.append(contentsOf: $0) }
          }
          header.append(
            #""base_model.model.model.layers.\#(layer).self_attn.\#(target).\#(part).weight":"#
              + #"{"dtype":"F32","shape":\#(shape),"data_offsets":[\#(start),\#(values.count)]}"#)
        }
      }
    }
    var text = Data("{\(header.joined(separator: ","))}".utf8)
    while text.count % 8 != 0 { text.append(0x20) }
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text + values
  }
}
