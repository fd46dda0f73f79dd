// The engine with toy nodes, as a program of its own: tests start it, kill it, and use it as a worker.
//
//     ToyEngine worker
//     ToyEngine run PIPELINE STORE PROJECT [kill-at=N] [count-changes]
//
// `kill-at=N` kills the process before its N-th change of the file system below the store; `count-changes` prints how
// many there were.
import Diagnostics
import Foundation
import Pipeline
import Synchronization
import TestKit

/// How many changes were made so far, and at which one to die.
final class Fault: Sendable {
  let limit: Int?
  private let made = Mutex(0)

  init(limit: Int?) { self.limit = limit }

  var count: Int { made.withLock { $0 } }

  func step() {
    let number = made.withLock { made in
      made += 1
      return made
    }
    if number == limit { kill(getpid(), SIGKILL) }
  }
}

func fail(_ text: String) -> Never {
  FileHandle.standardError.write(Data((text + "\n").utf8))
  exit(2)
}

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.count == 3, arguments[0] == "worker", arguments[1] == "--folder" {
  exit(WorkerMain.run(registry: ToyNodes.registry, check: ToyNodes.check, folder: arguments[2]))
}
if arguments.count == 3, arguments[0] == "worker", arguments[1] == "--order" {
  exit(
    OrderMain.run(arguments[2], registry: ToyNodes.registry, check: ToyNodes.check, machine: "") {
      FileHandle.standardError.write(Data(($0 + "\n").utf8))
    })
}
if arguments == ["worker"] { exit(WorkerMain.run(registry: ToyNodes.registry, check: ToyNodes.check)) }
if arguments.first == GuardMain.word { exit(GuardMain.run(Array(arguments.dropFirst()))) }
guard arguments.count >= 4, arguments[0] == "run" else { fail("ToyEngine run PIPELINE STORE PROJECT [kill-at=N]") }
let limit = arguments.dropFirst(4).compactMap { $0.hasPrefix("kill-at=") ? Int($0.dropFirst(8)) : nil }.first
let fault = Fault(limit: limit)
let storePath = arguments[2]
let files = FileSystem(isDurable: false) { _, path in if path.hasPrefix(storePath) { fault.step() } }
let store = Store(path: storePath, files: files)
let cancellation = Cancellation()
let watch = SignalWatch(cancellation)
watch.tolerate(2)
do {
  let pipeline = try PipelineFile.load(path: arguments[1], registry: ToyNodes.registry, sources: store.sources)
  let history = RunHistory(project: arguments[3])
  let recorder = try history.begin(pipeline)
  let scheduler = Scheduler(
    store: store, check: ToyNodes.check, sinks: [recorder], logPath: { recorder.logPath($0) })
  let summary = try scheduler.run(pipeline, id: recorder.id, project: arguments[3], cancellation: cancellation)
  withExtendedLifetime(watch) {}
  for node in summary.nodes {
    let outputs = (node.result?.digests ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    print(([node.name, node.state.rawValue] + outputs).joined(separator: " "))
    for problem in node.problems { print(problem.rendered()) }
  }
  if arguments.contains("count-changes") { print("changes \(fault.count)") }
  exit(summary.exitCode)
} catch {
  fail(diagnostics(of: error).rendered())
}
