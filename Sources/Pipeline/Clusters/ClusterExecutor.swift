import Diagnostics
import PreciseJSON

/// Performs each action as a job of a cluster, on a store that its machines share.
package struct ClusterExecutor: Executor {
  private let cluster: any Cluster
  private let store: Store
  private let remotes: RemoteCaches
  /// The words that start a worker, up to its folder.
  private let worker: [String]
  private let project: String
  private let machine: String
  private let pace: ClusterPace
  private let watch: ClusterWatch
  package let places: Int?

  /// - Parameters:
  ///   - worker: The program that takes `worker --folder FOLDER`, by a path that holds on the cluster's machines too.
  ///   - project: The folder that jobs start in.
  ///   - machine: What the bytes of results hang on here, which must be the same over there.
  ///   - places: How many jobs may wait and run at a time.
  package init(
    _ cluster: any Cluster, store: Store, remotes: RemoteCaches = RemoteCaches(), worker: String, project: String,
    machine: String = "", places: Int = 64, pace: ClusterPace = ClusterPace()
  ) {
    self.cluster = cluster
    self.store = store
    self.remotes = remotes
    self.worker = [worker, "worker", "--folder"]
    self.project = project
    self.machine = machine
    self.places = places
    self.pace = pace
    watch = ClusterWatch(cluster, interval: pace.ask)
  }

  package func execute(
    _ job: ActionJob, log: String, stop: Cancellation, report: @escaping NodeReport.Receiver
  ) -> ActionOutcome {
    do {
      let (folder, id) = try submitted(job, log: log, stop: stop, report: report)
      watch.add(id)
      defer { watch.remove(id) }
      var follower = JobFollower(
        job: job, id: id, folder: folder, log: log, cluster: cluster, watch: watch, store: store, pace: pace,
        stop: stop, report: report)
      let outcome = follower.follow()
      // A job that may still run needs it, and the next run finds the job by it. What cannot be removed now is left to the
      // garbage collector, as is what a killed run leaves.
      if follower.isOver { try? store.files.removeTree(folder.path) }
      return outcome
    } catch is Interrupted {
      return ActionOutcome(result: .failure(.interrupted))
    } catch { return ActionOutcome(result: .failure(.failed(diagnostics(of: error)))) }
  }

  /// Hands the job over, unless one of an earlier run that was killed does the work already.
  private func submitted(
    _ job: ActionJob, log: String, stop: Cancellation, report: NodeReport.Receiver
  ) throws -> (folder: JobFolder, id: String) {
    // By the work and the store that it goes to: what has this name is this.
    var name = "anneal-" + Digest(of: "\(job.key.hex)\n\(store.path)".utf8).hex.prefix(16)
    if job.isForced { name += "-" + uniqueName() }
    let folder = JobFolder("\(store.path)/tmp/\(name)")
    if !job.isForced, let id = try found(name, stop), try store.files.status(folder.order) != nil {
      report(.log("\(cluster.name) job \(id), which an earlier run submitted, goes on"))
      return (folder, id)
    }
    try store.files.removeTree(folder.path)
    try store.files.makeFolder(folder.path)
    var placed = job
    placed.staging = folder.path
    let order: JSON = [
      "store": JSON(store.path), "machine": JSON(machine), "remotes": remotes.json, "job": placed.json,
    ]
    try store.files.create(folder.order, Array((order.text() + "\n").utf8))
    let id = try cluster.submit(
      ClusterJob(
        name: name, node: job.node, folder: folder, worker: worker + [folder.path], log: log, project: project,
        cores: job.threads, demand: job.demand))
    report(.log("\(cluster.name) job \(id), named \(name)"))
    return (folder, id)
  }

  /// The job of this name that waits or runs, from a scheduler that may be away for a while.
  private func found(_ name: String, _ stop: Cancellation) throws -> String? {
    let start = steadyClock()
    while true {
      do throws(ClusterError) { return try cluster.find(name) } catch {
        guard case .failed = error, steadyClock() - start < pace.patience else { throw error }
        if stop.isRequested { throw Interrupted() }
        pause(min(pace.ask, 5))
      }
    }
  }
}
