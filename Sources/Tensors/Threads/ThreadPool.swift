import CTensorKernels

/// A fixed team of threads that works off numbered tiles.
///
/// Which tiles there are is the caller's business and never depends on the number of threads, so results do not either.
/// A thread that waits polls for a moment and then sleeps. Any thread may call; calls from several threads take turns.
package final class ThreadPool: Sendable {
  /// The number of threads that work, the caller included, from 1 to 128.
  package let threads: Int
  private let team: Team

  /// - Parameter threads: brought into 1 ... 128.
  package init(threads: Int) {
    self.threads = min(128, max(1, threads))
    team = Team(seats: self.threads)
    onElements {
      let nodes = MemoryNodes.ofThisProcess
      for seat in 1..<self.threads {
        team.startWorker(seat: seat, processors: nodes.processors(ofSeat: seat, of: self.threads))
      }
    }
  }

  /// The number of processors that this process may run on.
  package static var availableProcessors: Int { max(1, Int(tk_available_processors())) }

  deinit { team.stop() }

  /// Runs `body` once for each number in 0 ..< `count` and returns when all are done.
  ///
  /// The tiles run at the same time in any order: a tile writes to nothing that another one touches. A call from inside
  /// a tile runs its tiles one after the other. Where memory is only counted no tile runs.
  package func tiles(_ count: Int, _ body: (Int) -> Void) {
    onElements { work(count, body) }
  }

  private func work(_ count: Int, _ body: (Int) -> Void) {
    if threads == 1 || count <= 1 || tk_inside_tile() != 0 {
      for tile in 0..<max(0, count) { body(tile) }
      return
    }
    withoutActuallyEscaping(body) { body in withUnsafePointer(to: body) { team.run(count, $0) } }
  }
}
