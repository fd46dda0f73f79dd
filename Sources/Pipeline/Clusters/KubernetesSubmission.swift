import PreciseJSON

/// A whole pipeline as Jobs of Kubernetes, which start in any order.
///
/// Kubernetes knows no order of Jobs, and whoever waits in a pod, or in an init container of one, keeps what the pod asked
/// for: where all places are taken by those that wait, nobody would work. So a worker whose inputs are not published waits
/// two minutes, then ends with 75, which gives the place back and does not count as a failure; another pod looks again.
package struct KubernetesSubmission: Sendable {
  /// What the cluster has to be told beside the jobs.
  package struct Settings: Sendable {
    /// The container image with the program.
    package var image: String
    package var namespace: String?
    /// Persistent volume claims by the paths that they are mounted at.
    package var claims: [(name: String, path: String)] = []
    /// A Secret whose members become variables of the workers: credentials of caches.
    package var secret: String?
    /// The queue of Kueue that the jobs stand in.
    package var queue: String?

    package init(image: String) { self.image = image }
  }

  private let submission: Submission
  private let site: SubmissionSite
  private let settings: Settings

  private static let container = "worker"
  private static let ordersFolder = "/etc/anneal"
  /// What a ConfigMap holds at most, with room for its own members.
  private static let limit = 1_000_000
  /// Pods that may be lost before a job has failed: its node went down, it took more memory than it may.
  private static let backoffLimit = 3
  /// Seconds to save after a request to stop.
  private static let grace = 180

  package init(_ submission: Submission, at site: SubmissionSite, _ settings: Settings) {
    self.submission = submission
    self.site = site
    self.settings = settings
  }

  /// - Throws: ``SubmissionError`` for a pipeline that no ConfigMap holds.
  package func files() throws(SubmissionError) -> [SubmissionFile] {
    let orders = submission.orders(site)
    let size = orders.reduce(0) { $0 + $1.name.utf8.count + $1.text.utf8.count }
    guard size <= Self.limit else { throw .tooLarge(bytes: size, limit: Self.limit) }
    let map = object("v1", "ConfigMap", name, [("data", JSON(orders.map { (key: $0.name, value: JSON($0.text)) }))])
    return [SubmissionFile("jobs/00-orders.json", map.text(.pretty) + "\n")]
      + submission.jobs.map { SubmissionFile("jobs/\($0.name).json", job($0).text(.pretty) + "\n") }
      + [
        SubmissionFile("manifest.json", submission.manifest(executor: "kubernetes").text(.pretty) + "\n"),
        SubmissionFile("submit.sh", submit, isProgram: true),
      ]
  }

  private var name: String { "anneal-\(submission.id.suffix(6))-orders" }

  private func object(_ version: String, _ kind: String, _ name: String, _ members: [(String, JSON)]) -> JSON {
    var metadata: [(key: String, value: JSON)] = [("name", JSON(name)), ("labels", labels)]
    if let namespace = settings.namespace { metadata.append(("namespace", JSON(namespace))) }
    return JSON(
      [
        (key: "apiVersion", value: JSON(version)), (key: "kind", value: JSON(kind)),
        (key: "metadata", value: JSON(metadata)),
      ]
        + members.map { (key: $0.0, value: $0.1) })
  }

  private var labels: JSON {
    var labels: [(key: String, value: JSON)] = [
      ("app.kubernetes.io/name", "anneal"), ("anneal/submission", JSON(submission.id)),
    ]
    if let queue = settings.queue { labels.append(("kueue.x-k8s.io/queue-name", JSON(queue))) }
    return JSON(labels)
  }

  private func job(_ job: Submission.Job) -> JSON {
    object(
      "batch/v1", "Job", submission.clusterName(job),
      [
        (
          "spec",
          [
            "backoffLimit": JSON(Self.backoffLimit), "podFailurePolicy": ["rules": Self.rules],
            "template": [
              "metadata": ["labels": labels, "annotations": ["anneal/node": JSON(job.node)]], "spec": pod(job),
            ],
          ]
        )
      ])
  }

  /// Which ends of pods are failures of the job.
  private static let rules: JSON = [
    // Saved and stopped, or nothing to do yet.
    ["action": "Ignore", "onExitCodes": ["containerName": JSON(container), "operator": "In", "values": [75]]],
    // The worker has told what is wrong, after as many tries as the node's `retries` allow.
    ["action": "FailJob", "onExitCodes": ["containerName": JSON(container), "operator": "In", "values": [1, 2]]],
    ["action": "Ignore", "onPodConditions": [["type": "DisruptionTarget", "status": "True"]]],
  ]

  private func pod(_ job: Submission.Job) -> JSON {
    let amounts = resources(job)
    var container: [(key: String, value: JSON)] = [
      ("name", JSON(Self.container)), ("image", JSON(settings.image)),
      (
        "command",
        .array((site.program + ["worker", "--order", "\(Self.ordersFolder)/\(job.name).json"]).map { JSON($0) })
      ),
      ("workingDir", JSON(site.project)), ("resources", ["requests": amounts, "limits": amounts]),
      ("volumeMounts", .array(volumes.map { ["name": JSON($0.name), "mountPath": JSON($0.path)] })),
    ]
    if let secret = settings.secret {
      container.append(("envFrom", [["secretRef": ["name": JSON(secret)]]]))
    }
    return [
      "restartPolicy": "Never", "terminationGracePeriodSeconds": JSON(Self.grace), "containers": [JSON(container)],
      "volumes": .array(volumes.map { JSON([(key: "name", value: JSON($0.name)), (key: $0.kind, value: $0.source)]) }),
    ]
  }

  /// As much as it asks for is all that it gets: what it takes more would be others'.
  private func resources(_ job: Submission.Job) -> JSON {
    var amounts: [(key: String, value: JSON)] = [("cpu", JSON(String(job.cores)))]
    if let memory = job.demand.memory {
      amounts.append(("memory", JSON("\((max(memory, 1) - 1) >> 20 + 1)Mi")))
    }
    return JSON(amounts)
  }

  private struct Volume {
    var name: String
    var path: String
    /// What it is, in a word of Kubernetes', and which one.
    var kind: String
    var source: JSON
  }

  private var volumes: [Volume] {
    let own = [
      Volume(name: "orders", path: Self.ordersFolder, kind: "configMap", source: ["name": JSON(name)]),
      Volume(name: "scratch", path: Self.scratch, kind: "emptyDir", source: JSON([])),
    ]
    let claims = settings.claims.enumerated().map { index, claim in
      Volume(
        name: "claim-\(index + 1)", path: claim.path, kind: "persistentVolumeClaim",
        source: ["claimName": JSON(claim.name)])
    }
    return own + claims
  }

  /// A folder of each pod's own.
  package static let scratch = "/var/anneal"

  private var submit: String {
    """
    #!/bin/sh
    # Hands the jobs of a pipeline to Kubernetes. Once more does no harm. `kubectl delete -f jobs` takes them back.
    set -eu
    cd -- "$(dirname -- "$0")"
    exec kubectl apply --filename jobs

    """
  }
}
