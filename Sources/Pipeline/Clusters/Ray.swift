import Foundation
import NIOHTTP1
import PreciseJSON

/// A Ray cluster, through the Jobs API of its dashboard.
///
/// Ray knows no time limit and ends a job three seconds after it was asked to stop. So the shell around a worker watches the
/// job's folder for the wish to save, and the clock.
package struct Ray: Cluster {
  package let name = "Ray"
  private let connection: RayConnection
  /// Variables of this process that jobs get too.
  private let variables: [(key: String, value: String)]
  private let breath: Double

  /// How often a submission is tried whose answer did not come.
  private static let tries = 3
  private static let local = "http://127.0.0.1:8265"

  /// - Parameters:
  ///   - address: The dashboard's; else what `RAY_API_SERVER_ADDRESS` or `RAY_ADDRESS` says, else port 8265 of this machine.
  ///   - breath: Seconds between two tries to submit.
  ///   - patience: Seconds in which an answer must come.
  /// - Throws: What is wrong with the address.
  package init(
    address: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment, breath: Double = 5,
    patience: Double = 60
  ) throws(ClusterError) {
    let named = [environment["RAY_API_SERVER_ADDRESS"], environment["RAY_ADDRESS"]].compactMap { $0 }
    let text = address ?? named.first { $0.hasPrefix("http") } ?? Self.local
    let place: CacheAddress
    do { place = try CacheAddress(text) } catch { throw .badAddress(text, cluster: "Ray") }
    connection = try RayConnection(
      place, tokenVariable: environment["RAY_AUTH_TOKEN"] == nil ? nil : "RAY_AUTH_TOKEN",
      patience: (patience, min(patience, 10)))
    variables = environment.filter { $0.key.hasPrefix("ANNEAL_") }.sorted { $0.key < $1.key }
      .map { (key: $0.key, value: $0.value) }
    self.breath = breath
  }

  package func check() throws(ClusterError) {
    do throws(RayConnection.Failure) { _ = try connection.ask(.GET, "/api/version") } catch { throw silent(error) }
  }

  private func silent(_ failure: RayConnection.Failure) -> ClusterError {
    .failed(program: connection.address, cluster: name, words: failure.words)
  }

  // MARK: Submitting

  package func submit(_ job: ClusterJob) throws(ClusterError) -> String {
    do { try FileSystem().create(job.folder.script, Array(JobScript.watched(job).utf8)) } catch {
      throw .refused(node: job.node, cluster: name, words: "cannot write `\(job.folder.script)`")
    }
    var words = ""
    for attempt in 0..<Self.tries {
      if attempt > 0 { pause(breath) }
      do throws(RayConnection.Failure) {
        // Ray may have taken it, and only its answer is lost. What has ended under this name makes room.
        if let known = try details(job.name) {
          switch Self.state(known) {
          case .waiting, .running: return job.name
          case .over, .unclear: _ = try connection.ask(.DELETE, "/api/jobs/\(job.name)")
          }
        }
        _ = try connection.ask(.POST, "/api/jobs/", request(job))
        return job.name
      } catch {
        words = error.words
        guard error.isPassing || words.contains("already exists") else { break }
      }
    }
    throw .refused(node: job.node, cluster: name, words: words)
  }

  private func request(_ job: ClusterJob) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("submission_id", JSON(job.name)), ("entrypoint", JSON("sh \(JobScript.quoted(job.folder.script))")),
      ("metadata", ["anneal_node": JSON(job.node), "anneal_folder": JSON(job.folder.path)]),
      ("entrypoint_num_cpus", JSON(job.cores)),
    ]
    if let memory = job.demand.memory { members.append(("entrypoint_memory", JSON(memory))) }
    if !variables.isEmpty {
      members.append(("runtime_env", ["env_vars": JSON(variables.map { (key: $0.key, value: JSON($0.value)) })]))
    }
    return JSON(members)
  }

  // MARK: Asking

  /// What Ray knows of a job; nil when it knows none of this name.
  private func details(_ name: String) throws(RayConnection.Failure) -> JSON? {
    do { return try connection.ask(.GET, "/api/jobs/\(name)") } catch {
      if case .refused(status: 404, _) = error { return nil }
      throw error
    }
  }

  package func find(_ name: String) throws(ClusterError) -> String? {
    do throws(RayConnection.Failure) {
      guard let known = try details(name) else { return nil }
      return [.waiting, .running].contains(Self.state(known)) ? name : nil
    } catch { throw silent(error) }
  }

  package func ask(_ jobs: [String]) throws(ClusterError) -> [String: JobState] {
    let list: [JSON]
    do throws(RayConnection.Failure) {
      list = try connection.ask(.GET, "/api/jobs/").array ?? []
    } catch { throw silent(error) }
    let wanted = Set(jobs)
    let found = list.compactMap { job in
      job["submission_id"]?.string.flatMap { wanted.contains($0) ? ($0, Self.state(job)) : nil }
    }
    return Dictionary(found) { first, _ in first }
  }

  static func state(_ job: JSON) -> JobState {
    let status = job["status"]?.string ?? ""
    switch status {
    case "PENDING": return .waiting
    case "RUNNING": return .running
    case "SUCCEEDED", "STOPPED", "FAILED": return .over(status)
    default: return .unclear(status)
    }
  }

  package func stop(_ jobs: [String], gently: Bool) throws(ClusterError) {
    do throws(RayConnection.Failure) {
      for job in jobs {
        if gently, let folder = try details(job)?["metadata"]?["anneal_folder"]?.string {
          // Where it cannot be written the job is not told, as the user sees: it goes on until it is stopped at once.
          try? FileSystem().create(JobFolder(folder).wish, [])
        } else {
          do { _ = try connection.ask(.POST, "/api/jobs/\(job)/stop") } catch {
            // One that is not known has no need to be stopped.
            guard case .refused(status: 404, _) = error else { throw error }
          }
        }
      }
    } catch { throw silent(error) }
  }

  // MARK: Explaining

  package func explain(_ job: String) -> String? {
    guard let known = try? details(job) else { return nil }
    let code = known["driver_exit_code"]?.int
    var words: [String] = []
    if code == Int(JobScript.lateCode) { words.append("TIMEOUT") }
    if let code { words.append("exit code \(code)") }
    if let type = known["error_type"]?.string { words.append(type) }
    // What follows is the end of a log that is kept beside the node's.
    if let line = known["message"]?.string?.split(separator: "\n").first { words.append(String(line.prefix(300))) }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }
}
