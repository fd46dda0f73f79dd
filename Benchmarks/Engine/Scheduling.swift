import Pipeline
import TestKit

extension Benchmark {
  /// What the scheduler adds to each node: two thousand nodes that do next to nothing, run and then found cached.
  ///
  /// In memory and without flushing to a disk, which would be the disk's time and not the scheduler's.
  static let scheduling = Benchmark("scheduling", "time a node of a run of 2,000 trivial nodes") { bench in
    let count = 2000
    var text = "pipeline: many\nnodes:\n"
    for index in 0..<count / 2 {
      text += "  text_\(index): {type: toy_text, text: \"\(index)\"}\n"
      text += "  join_\(index): {type: toy_join, parts: [text_\(index), text_\(index / 2)]}\n"
    }
    var ran: [Double] = []
    var cached: [Double] = []
    for _ in 0..<3 {
      let workspace = try ToyWorkspace(in: "/dev/shm")
      for isSecond in [false, true] {
        let pipeline = try workspace.pipeline(text)
        let history = RunHistory(project: workspace.folder.path, files: FileSystem(isDurable: false))
        let recorder = try history.begin(pipeline)
        let scheduler = workspace.scheduler(store: workspace.reopened(), sinks: [recorder])
        let clock = ContinuousClock()
        let time = try clock.measure {
          _ = try scheduler.run(pipeline, id: recorder.id, project: workspace.folder.path)
        }
        let milliseconds = time / .milliseconds(1) / Double(count)
        if isSecond { cached.append(milliseconds) } else { ran.append(milliseconds) }
      }
    }
    bench.record("node run", unit: "ms", values: ran)
    bench.record("node cached", unit: "ms", values: cached)
  }
}
