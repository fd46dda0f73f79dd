/// A cluster's scheduler: takes jobs, and tells how they stand.
///
/// What it says explains; whether a node was done is told by the result in the store alone.
package protocol Cluster: Sendable {
  /// As users name it.
  var name: String { get }

  /// Whether it can be spoken to from here at all.
  func check() throws(ClusterError)

  /// Hands a job over.
  ///
  /// - Returns: The scheduler's own name of it.
  func submit(_ job: ClusterJob) throws(ClusterError) -> String

  /// The job of this name that waits or runs; nil when there is none.
  func find(_ name: String) throws(ClusterError) -> String?

  /// How jobs stand, in one question; those that the scheduler does not know are left out.
  func ask(_ jobs: [String]) throws(ClusterError) -> [String: JobState]

  /// Ends jobs: gently with the time to save what is done.
  func stop(_ jobs: [String], gently: Bool) throws(ClusterError)

  /// What the scheduler knows of a job that has ended; nil where it tells nothing.
  func explain(_ job: String) -> String?
}

/// A node's work as a cluster gets it.
package struct ClusterJob: Sendable {
  /// No other job of this user has it, unless it does the very same work.
  package var name: String
  package var node: String
  package var folder: JobFolder
  /// The words that start the worker.
  package var worker: [String]
  /// Where the job's output is added.
  package var log: String
  /// The folder that it starts in.
  package var project: String
  package var cores: Int
  package var demand: JobDemand
}

/// How a job stands, as its scheduler says.
package enum JobState: Sendable, Hashable {
  case waiting
  case running
  /// It has ended, or will not run, in the scheduler's words.
  case over(String)
  /// The scheduler says something that tells nothing.
  case unclear(String)
}

/// The folder of a job, where its worker finds what to do and says how it goes.
package struct JobFolder: Sendable, Hashable {
  package let path: String

  package init(_ path: String) { self.path = path }

  package var order: String { path + "/order.json" }
  package var messages: String { path + "/messages.jsonl" }
  package var script: String { path + "/job.sh" }
  /// Stands there when the worker is to save and stop, for schedulers that cannot tell it.
  var wish: String { path + "/stop" }
  /// Stands there when the job's time was over.
  var late: String { path + "/late" }
}

/// How often a cluster is looked at, and how long it is waited for; in seconds.
package struct ClusterPace: Sendable {
  /// Between two looks at what a worker has said.
  package var look = 1.0
  /// Between two questions to the scheduler, for all jobs together.
  package var ask = 30.0
  /// How long after a job's end its result may still become visible: file systems of clusters show things late.
  package var grace = 60.0
  /// How long a scheduler may be away or tell nothing.
  package var patience = 1800.0

  package init() {}
}
