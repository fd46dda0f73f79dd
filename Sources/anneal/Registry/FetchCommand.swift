import ArgumentParser
import Diagnostics
import Pipeline

/// `anneal fetch`: brings a result from a registry into the store, and its files into a folder.
struct FetchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Brings what was published from a registry: the same bytes each time, by the digest in anneal.pins.yaml.")

  @Argument(
    help: ArgumentHelp("HOST[:PORT]/PATH[:TAG]; everything in anneal.pins.yaml when none is named.", valueName: "name"))
  var name: String?

  @Option(help: "The folder to put its files into; they only go into the store unless given.")
  var into: String?

  @Option(help: "The output whose files are wanted; all of them, each in a folder of its own, unless given.")
  var output: String?

  @Flag(help: "Take what the name stands for today, and pin that.")
  var update = false

  @OptionGroup var registry: RegistryArguments
  @OptionGroup var workplace: Workplace

  func validate() throws {
    if name == nil, into != nil || output != nil || update {
      throw ValidationError("`--into`, `--output` and `--update` belong to a name.")
    }
    if output != nil, into == nil { throw ValidationError("`--output` has no effect without `--into`.") }
  }

  func run() throws {
    let cancellation = Cancellation()
    let watch = SignalWatch(cancellation)
    defer { withExtendedLifetime(watch) {} }
    try reportingProblems {
      var pins = try RegistryPins(project: workplace.project)
      guard let name else {
        guard !pins.pins.isEmpty else {
          throw Diagnostic(
            code: "no-pins", "There is nothing to fetch", reason: "this folder has no `\(RegistryPins.fileName)`",
            advice: "name a result: `anneal fetch HOST/PATH:TAG`")
        }
        for pin in pins.pins { _ = try fetch(try pin.reference(), into: pin.folder?.text, pin.output, cancellation) }
        return
      }
      let reference = try RegistryArguments.reference(name)
      let folder = into.map(Self.withoutSlash)
      let pinned =
        pins.pins.first { $0.name == reference.name && $0.folder?.text == folder }
        ?? pins.pins.first { $0.name == reference.name }
      let wanted = reference.digest == nil && !update ? try pinned?.reference() ?? reference : reference
      let digest = try fetch(wanted, into: folder, output, cancellation)
      pins.set(RegistryPins.Pin(reference.name, digest, folder: folder, output: output))
      try pins.write(project: workplace.project)
      Terminal.say("pinned in \(RegistryPins.fileName)")
    }
  }

  /// - Returns: The digest of what was fetched.
  private func fetch(
    _ reference: RegistryReference, into folder: String?, _ output: String?, _ cancellation: Cancellation
  ) throws -> Digest {
    let remote = try registry.remote(reference, isWritable: false)
    let there = try remote.look(RemoteTransfer(stop: cancellation))
    let store = workplace.openedStore
    let trust = RemoteTrust(keys: try UserConfiguration.load().trustedKeys ?? [])
    let result: StoredResult
    if case .found(let known) = try store.result(for: there.key), trust.keys.isEmpty {
      result = known
    } else {
      var troubles: [String] = []
      let progress = TransferProgress("fetched", of: there.byteCount)
      let found = try RemoteCaches([remote], trust: [trust]).fetch(
        there.key, into: store, stop: cancellation, progress: { come, _ in progress.stands(at: come) },
        tell: { troubles.append($0) })
      progress.end()
      guard let found else {
        throw Diagnostic(
          code: "not-fetched", "`\(reference.name)` cannot be fetched",
          reason: troubles.isEmpty ? "the registry lacks what its manifest names" : troubles.joined(separator: "; "))
      }
      result = found.result
    }
    let digest = "sha256:" + there.digest.hex
    guard let folder else {
      Terminal.put("\(reference.name)@\(digest)  \(byteCount(result.byteCount)) in the store")
      return there.digest
    }
    try put(result, reference, into: folder, output, store)
    Terminal.put("\(reference.name)@\(digest)  \(byteCount(result.byteCount)) in \(folder)")
    return there.digest
  }

  /// Puts a result's files into a folder: those of one output as they are, those of several each in a folder of its own.
  private func put(
    _ result: StoredResult, _ reference: RegistryReference, into folder: String, _ output: String?, _ store: Store
  ) throws {
    if let output, result.outputs[output] == nil {
      let ports = result.outputs.keys.sorted()
      throw Diagnostic(
        code: "no-output", "`\(reference.name)` has no output `\(output)`",
        reason: "it has \(ports.map { "`\($0)`" }.joined(separator: ", "))",
        advice: nearestName(to: output, among: ports).map { "`--output \($0)`" })
    }
    let outputs = result.outputs.filter { output == nil || $0.key == output }
    let members = outputs.flatMap { port, artefact in
      artefact.members.map { member in
        Artefact.Member(
          path: outputs.count == 1 ? member.path : "\(port)/\(member.path)", blob: result.shown(member, at: port))
      }
    }.sorted { $0.path < $1.path }
    let path = folder.hasPrefix("/") ? folder : "\(workplace.project)/\(folder)"
    let view = FolderView(store: store, project: workplace.project)
    let note = "fetched/\(Digest(of: Array(path.utf8)).hex)"
    let foreign = try view.foreignNames(in: path, note: note)
    guard foreign.isEmpty else {
      throw Diagnostic(
        code: "foreign-files", "`\(folder)` holds files that `anneal fetch` did not put there",
        reason: "`\(foreign[0])`" + (foreign.count > 1 ? " and \(foreign.count - 1) more" : ""),
        advice: "name another folder")
    }
    try view.put(members, into: path, note: note, flushes: true)
  }

  private static func withoutSlash(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
