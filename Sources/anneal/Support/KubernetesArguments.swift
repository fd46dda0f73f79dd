import ArgumentParser
import Pipeline

/// What a Kubernetes cluster has to be told beside a pipeline.
struct KubernetesArguments: ParsableArguments {
  /// A persistent volume claim and where pods mount it.
  struct Claim: ExpressibleByArgument {
    var name: String
    var path: String

    init?(argument: String) {
      guard let colon = argument.firstIndex(of: ":") else { return nil }
      name = String(argument[..<colon])
      path = String(argument[argument.index(after: colon)...])
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      guard !name.isEmpty, path.hasPrefix("/"), path != "/" else { return nil }
    }
  }

  @Option(help: "For Kubernetes: the container image with this program.")
  var image: String?

  @Option(
    name: .customLong("claim"),
    help: ArgumentHelp(
      "For Kubernetes: a persistent volume claim and the path that pods mount it at, which is also its path here; may be repeated.",
      valueName: "claim:path"))
  var claims: [Claim] = []

  @Option(help: "For Kubernetes: the namespace of the jobs.")
  var namespace: String?

  @Option(help: "For Kubernetes: a Secret whose members become variables of the workers, such as the tokens of caches.")
  var secret: String?

  @Option(help: "For Kubernetes: the queue of Kueue that the jobs stand in.")
  var queue: String?

  @Option(help: "For Kubernetes: the program in the image.")
  var program = "anneal"

  /// Whether anything of it was given.
  var isGiven: Bool {
    image != nil || !claims.isEmpty || namespace != nil || secret != nil || queue != nil || program != "anneal"
  }

  func settings(image: String) -> KubernetesSubmission.Settings {
    var settings = KubernetesSubmission.Settings(image: image)
    settings.namespace = namespace
    settings.claims = claims.map { ($0.name, $0.path) }
    settings.secret = secret
    settings.queue = queue
    return settings
  }

  /// Whether pods see a path as it stands here.
  func holds(_ path: String) -> Bool { claims.contains { path == $0.path || path.hasPrefix($0.path + "/") } }
}
