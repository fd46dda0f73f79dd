import Synchronization

/// Asks and tells a cluster for all jobs of a run together, whichever of their threads comes first.
package final class ClusterWatch: Sendable {
  /// What is known of a job.
  struct View: Sendable {
    /// Nil when the scheduler did not name it in its last answer.
    var state: JobState?
    /// How many answers there were since the job was submitted.
    var answers = 0
    /// Why the last question had no answer, and since when there is none.
    var silence: (error: ClusterError, since: Double)?
  }

  private struct State {
    var views: [String: View] = [:]
    var asked = 0.0
    var isAsking = false
    var toStop: [Bool: Set<String>] = [:]
    var silence: (error: ClusterError, since: Double)?
  }

  /// How many jobs are stopped at once: some schedulers lose patience with more.
  static let group = 100

  private let cluster: any Cluster
  private let interval: Double
  private let state = Mutex(State())
  private let stopping = Mutex(())

  package init(_ cluster: any Cluster, interval: Double) {
    self.cluster = cluster
    self.interval = interval
  }

  func add(_ job: String) { state.withLock { $0.views[job] = View() } }
  func remove(_ job: String) { state.withLock { $0.views[job] = nil } }

  /// What is known of a job, after a question for all of them when one is due.
  func view(of job: String) -> View {
    let due = state.withLock { state -> [String]? in
      guard !state.isAsking, steadyClock() - state.asked >= interval else { return nil }
      state.isAsking = true
      return state.views.keys.sorted()
    }
    if let due {
      do throws(ClusterError) {
        let states = try cluster.ask(due)
        state.withLock { state in
          state.silence = nil
          // Not those that came while the question was on its way.
          for job in due where state.views[job] != nil {
            state.views[job]?.state = states[job]
            state.views[job]?.answers += 1
          }
        }
      } catch {
        state.withLock { $0.silence = (error, $0.silence?.since ?? steadyClock()) }
      }
      state.withLock { state in
        state.isAsking = false
        state.asked = steadyClock()
      }
    }
    return state.withLock { state in
      var view = state.views[job] ?? View()
      view.silence = state.silence
      return view
    }
  }

  /// Ends jobs, together with all others that are to be ended meanwhile.
  package func stop(_ jobs: [String], gently: Bool) throws(ClusterError) {
    state.withLock { $0.toStop[gently, default: []].formUnion(jobs) }
    var failure: ClusterError?
    stopping.withLock { _ in
      let jobs = state.withLock { $0.toStop.removeValue(forKey: gently) ?? [] }.sorted()
      for start in stride(from: 0, to: jobs.count, by: Self.group) {
        do throws(ClusterError) {
          try cluster.stop(Array(jobs[start..<min(start + Self.group, jobs.count)]), gently: gently)
        } catch { failure = error }
      }
    }
    if let failure { throw failure }
  }
}
