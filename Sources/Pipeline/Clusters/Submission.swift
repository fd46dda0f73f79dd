import PreciseJSON

/// The jobs that a pipeline becomes which is handed over as a whole.
///
/// Heavy nodes that (may) have to run are a job each. Light ones ride along in the jobs that take what they make, and whoever
/// comes first makes it; those that no job takes are jobs of their own.
package struct Submission: Sendable {
  /// A node's job.
  package struct Job: Sendable {
    package var node: String
    package var planKey: Digest
    /// Tells the job from the others of the submission: `03-sft`.
    package var name: String
    /// The nodes whose jobs go before, in order.
    package var waitsFor: [String]
    /// The light nodes that it may have to do first, in order.
    package var alongside: [String]
    /// Whether it runs for certain; otherwise it ends at once when what goes before comes out as it did.
    package var isCertain: Bool
    package var cores: Int
    package var demand: JobDemand
  }

  /// As runs are named.
  package let id: String
  package let pipeline: String
  /// The whole pipeline, as YAML of its own.
  let text: String
  /// When it was made, in nanoseconds since 1970: what is to be made anew each time counts as made from then on.
  let since: Int64
  /// Producers before consumers.
  package let jobs: [Job]

  /// - Parameters:
  ///   - plan: The pipeline's, with what past runs took.
  ///   - cores: For nodes that use many.
  package init(
    _ pipeline: ResolvedPipeline, _ plan: Plan, cores: Int, id: String = RunHistory.newIdentifier(),
    since: Int64 = wallClock()
  ) {
    self.id = id
    self.pipeline = pipeline.name
    self.since = since
    text = pipeline.text
    let byName = Dictionary(pipeline.nodes.map { ($0.name, $0) }) { first, _ in first }
    let graph = JobGraph(plan, byName)
    var jobs: [Job] = []
    for planned in plan.nodes where graph.isJob(planned.name) {
      guard let node = byName[planned.name] else { continue }
      let (waitsFor, alongside) = graph.before(node)
      jobs.append(
        Job(
          node: node.name, planKey: node.planKey, name: Self.name(jobs.count + 1, node.name), waitsFor: waitsFor,
          alongside: alongside, isCertain: planned.willRun, cores: node.execution == .worker(cores: .all) ? cores : 1,
          demand: JobDemand(node, past: planned.expectation, among: byName)))
    }
    self.jobs = jobs
  }

  /// What clusters take as part of a name: small letters, digits and `-`, no more than 30 of them.
  private static func name(_ number: Int, _ node: String) -> String {
    let letters = node.lowercased().unicodeScalars.map { scalar -> Character in
      ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "-"
    }
    let words = String(letters).split(separator: "-").joined(separator: "-").prefix(26)
    let digits = number < 10 ? "0\(number)" : "\(number)"
    return words.isEmpty ? digits : "\(digits)-\(words.hasSuffix("-") ? words.dropLast() : words)"
  }

  /// The name of a job as the cluster knows it.
  func clusterName(_ job: Job) -> String { "anneal-\(id.suffix(6))-\(job.name)" }

  func job(of node: String) -> Job? { jobs.first { $0.node == node } }

  /// What whoever handed the jobs over may want to know of them.
  package func manifest(executor: String) -> JSON {
    [
      "id": JSON(id), "pipeline": JSON(pipeline), "executor": JSON(executor),
      "jobs": .array(
        jobs.map { job in
          [
            "node": JSON(job.node), "job": JSON(clusterName(job)), "plan_key": JSON(job.planKey.hex),
            "waits_for": .array(job.waitsFor.map { JSON($0) }), "alongside": .array(job.alongside.map { JSON($0) }),
            "certain": JSON(job.isCertain), "cores": JSON(job.cores),
            "memory": job.demand.memory.map { JSON($0) } ?? .null,
            "seconds": job.demand.seconds.map { JSON($0) } ?? .null,
          ]
        }),
    ]
  }
}

/// Which nodes of a plan are jobs, and what goes before each.
private struct JobGraph {
  private let nodes: [String: ResolvedNode]
  private let planned: [String: Plan.Node]
  /// The place of each node in the order of the plan.
  private let places: [String: Int]
  private let jobs: Set<String>

  init(_ plan: Plan, _ nodes: [String: ResolvedNode]) {
    self.nodes = nodes
    planned = Dictionary(plan.nodes.map { ($0.name, $0) }) { first, _ in first }
    places = Dictionary(plan.nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }
    let running = plan.nodes.filter { $0.willRun || $0.mayRun }
    var taken: Set<String> = []
    for node in plan.nodes where node.isUnsettled {
      for input in nodes[node.name]?.inputs ?? [] { taken.insert(Self.worker(input.node, planned)) }
    }
    jobs = Set(
      running.map(\.name).filter { name in
        nodes[name].map { $0.execution != .inProcess } ?? false || !taken.contains(name)
      })
  }

  /// The node that does a node's work.
  private static func worker(_ name: String, _ planned: [String: Plan.Node]) -> String {
    planned[name]?.sameWorkAs ?? name
  }

  func isJob(_ name: String) -> Bool { jobs.contains(name) }

  /// The jobs whose results a node takes, and the light nodes between.
  func before(_ node: ResolvedNode) -> (jobs: [String], light: [String]) {
    var before: Set<String> = []
    var light: Set<String> = []
    var rest = node.inputs.map(\.node)
    while let next = rest.popLast() {
      let name = Self.worker(next, planned)
      guard planned[name]?.isUnsettled ?? false else { continue }
      if jobs.contains(name) {
        before.insert(name)
      } else if light.insert(name).inserted {
        rest += nodes[name]?.inputs.map(\.node) ?? []
      }
    }
    func sorted(_ names: Set<String>) -> [String] { names.sorted { (places[$0] ?? 0) < (places[$1] ?? 0) } }
    return (sorted(before), sorted(light))
  }
}

extension Plan.Node {
  /// Whether its result is neither in the store nor in a cache.
  var isUnsettled: Bool {
    switch decision {
    case .cached, .fetch: false
    case .run, .runOnceKnown, .runUnlessUnchanged: true
    }
  }
}
