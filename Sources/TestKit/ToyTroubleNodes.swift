import Diagnostics
import Foundation
import Pipeline
import PreciseJSON

private let textOutput = OutputPort("text", "text", doc: "The text")

/// Fails as often as it is told to, then passes its input on.
package enum ToyFail: NodeType {
  package struct Fields: FieldSet {
    package var message = "Told to fail"
    /// A folder that counts the attempts; without it every attempt fails.
    package var attempts: String?
    package var failures = 1
    /// Seconds to wait for a request to stop.
    package var pause = 0.0
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("message", \.message, doc: "What it says"),
      Field("attempts", \.attempts, role: .none, doc: "File that counts the attempts"),
      Field("failures", \.failures, role: .none, doc: "How often it fails"),
      Field("pause", \.pause, role: .speed, doc: "Seconds to wait first"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  package static let name = "toy_fail"
  package static let summary = "Fails."
  package static let implementationVersion = 1
  package static let inputs = [InputPort("of", ["text"], optional: true, doc: "The text")]
  package static let outputs = [textOutput]
  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try count(fields.countIn, context)
    let end = Date(timeIntervalSinceNow: fields.pause)
    while Date() < end {
      try context.checkCancellation()
      Thread.sleep(forTimeInterval: 0.01)
    }
    guard let attempts = fields.attempts else { throw ToyError(text: fields.message) }
    try FileSystem().append(attempts, Array("x".utf8))
    let made = try FileSystem().read(attempts)?.count ?? 0
    if made <= fields.failures { throw ToyError(text: fields.message) }
    try context.output("text").write(fields.message, to: "text")
  }
}

/// Capital letters, made in a worker process; can crash there in several ways.
package enum ToyHeavy: NodeType {
  package struct Fields: FieldSet {
    /// A signal to kill itself with; 0 for none.
    package var signal = 0
    /// Ends the process with this code behind the engine's back; -1 for not.
    package var exitCode = -1
    /// What it says when it stops as programs do whose memory has run out; empty for not.
    package var stop = ""
    package var megabytes = 0
    package var pause = 0.0
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("signal", \.signal, in: 0...64, role: .none, doc: "Signal to die of"),
      Field("exit_code", \.exitCode, role: .none, doc: "Code to exit with"),
      Field("stop", \.stop, role: .none, doc: "Last words"),
      Field("megabytes", \.megabytes, in: 0...4096, role: .speed, doc: "Memory to use"),
      Field("pause", \.pause, role: .speed, doc: "Seconds to sleep"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  package static let name = "toy_heavy"
  package static let summary = "Capital letters, made in a worker process."
  package static let implementationVersion = 1
  package static let execution = Execution.worker(cores: .all)
  package static let inputs = [InputPort("of", ["text"], doc: "The text")]
  package static let outputs = [textOutput]
  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try count(fields.countIn, context)
    context.log("working")
    FileHandle.standardError.write(Data("a line on standard error\n".utf8))
    var memory: [[UInt8]] = []
    for index in 0..<fields.megabytes { memory.append([UInt8](repeating: UInt8(index & 255), count: 1 << 20)) }
    Thread.sleep(forTimeInterval: fields.pause)
    // A fault in memory must be a true one: a handler that prints a backtrace swallows one that is only raised.
    if fields.signal == SIGSEGV { UnsafeMutablePointer<Int>(bitPattern: 64)?.pointee = 1 }
    if fields.signal > 0 { raise(Int32(fields.signal)) }
    if !fields.stop.isEmpty { stop(fields.stop) }
    if fields.exitCode >= 0 { exit(Int32(fields.exitCode)) }
    let text = try context.input("of").text().uppercased()
    try withExtendedLifetime(memory) { try context.output("text").write(text, to: "text") }
  }
}

/// Counts up slowly, in a worker process, with a checkpoint at each step.
package enum ToySlow: NodeType {
  package struct Fields: FieldSet {
    package var steps = 10
    package var pause = 0.05
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("steps", \.steps, in: 1...10_000, doc: "How many"),
      Field("pause", \.pause, role: .speed, doc: "Seconds a step"),
      Field("count_in", \.countIn, role: .none, doc: "Counter; one line a step"),
    ]
  }

  package static let name = "toy_slow"
  package static let summary = "Counts up slowly."
  package static let implementationVersion = 1
  package static let execution = Execution.worker(cores: .all)
  package static let inputs: [InputPort] = []
  package static let outputs = [textOutput]
  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let files = FileSystem()
    let checkpoint = try context.checkpointFolder() + "/state"
    var numbers: [Int] = []
    if let bytes = try files.read(checkpoint), let list = (try? JSON(parsing: bytes, file: checkpoint))?.array {
      numbers = list.compactMap(\.int)
    }
    while numbers.count < fields.steps {
      try context.checkCancellation()
      Thread.sleep(forTimeInterval: fields.pause)
      numbers.append((numbers.last ?? 0) * 31 % 997 + 1)
      try count(fields.countIn, context)
      let text = JSON.array(numbers.map { JSON($0) }).text()
      try files.replace(checkpoint, Array(text.utf8), temporary: checkpoint + ".new")
      context.progress(
        ProgressUpdate(step: numbers.count, total: fields.steps, metrics: [.init("loss", 1 / Double(numbers.count))]))
    }
    try context.output("text").write(numbers.map(String.init).joined(separator: " "), to: "text")
  }
}

/// Doubles each line of a text, every line as a part of its own.
package enum ToyParts: NodeType {
  package struct Fields: FieldSet {
    /// Fails after this many parts; 0 for not.
    package var failAfter = 0
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("fail_after", \.failAfter, role: .none, doc: "Parts before it fails"),
      Field("count_in", \.countIn, role: .none, doc: "Counter; one line a part"),
    ]
  }

  package static let name = "toy_parts"
  package static let parts = [line]
  private static let line = Part.work("line")
  package static let summary = "Doubles each line."
  package static let implementationVersion = 1
  package static let inputs = [InputPort("of", ["text"], doc: "The text")]
  package static let outputs = [textOutput]
  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    var doubled: [String] = []
    for (index, text) in try context.input("of").text().split(separator: "\n").enumerated() {
      if fields.failAfter > 0, index == fields.failAfter { throw ToyError(text: "Failed between parts") }
      let part = try context.memo(
        line, reads: [("line", .text(String(text)))], type: ArtefactType("text")
      ) { builder in
        try count(fields.countIn, context)
        try builder.write("\(text)\(text)", to: "text")
      }
      doubled.append(try part.text())
    }
    try context.output("text").write(doubled.joined(separator: "\n"), to: "text")
  }
}

/// A file outside the store, used in place.
package enum ToyReference: NodeType {
  package struct Fields: FieldSet {
    package var from: FilePath?
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("from", \.from, required: true, doc: "The file"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  package static let name = "toy_reference"
  package static let summary = "A file outside the store."
  package static let implementationVersion = 1
  package static let inputs: [InputPort] = []
  package static let outputs = [textOutput]
  package static func sources(_ fields: Fields, _ paths: PathReader) -> [SourceRequest] {
    fields.from.map { [SourceRequest(role: "from", path: paths.text(of: $0))] } ?? []
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try count(fields.countIn, context)
    try context.output("text").reference("text", externalPath: try context.source("from"))
  }
}
