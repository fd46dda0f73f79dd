import ArgumentParser
import Diagnostics
import Pipeline
import PreciseJSON

/// `anneal publish`: puts a finished result into a registry, under a name.
struct PublishCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish",
    abstract: "Puts a dataset, an adapter or a model that was made into a registry, as HOST/PATH:TAG.")

  @Argument(
    help: ArgumentHelp("What: RUN:NODE such as last:sft, or the beginning of a result's key.", valueName: "result"))
  var result: String

  @Argument(help: ArgumentHelp("Where: HOST[:PORT]/PATH[:TAG].", valueName: "name"))
  var name: String

  @OptionGroup var registry: RegistryArguments
  @OptionGroup var workplace: Workplace

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let cancellation = Cancellation()
    let watch = SignalWatch(cancellation)
    defer { withExtendedLifetime(watch) {} }
    try reportingProblems {
      let reference = try RegistryArguments.reference(name)
      guard reference.digest == nil else {
        throw Diagnostic(
          code: "bad-name", "A result is not put under a digest", reason: "its digest follows from its content",
          advice: "leave `@sha256:…` out")
      }
      guard let found = try workplace.result(named: result) else {
        throw Diagnostic(
          code: "no-result", "`\(result)` is no result",
          reason: "it is neither RUN:NODE nor the beginning of one key in the store",
          advice: "`anneal runs` lists runs, `anneal cache ls` results")
      }
      let remote = try registry.remote(reference, isWritable: true)
      let user = try UserConfiguration.load()
      let trust = RemoteTrust(keys: [], signing: try user.signing())
      let remotes = RemoteCaches([remote], trust: [trust])
      let progress = TransferProgress("published", of: found.byteCount)
      let sharing = remotes.share(found, of: workplace.openedStore, stop: cancellation, moved: progress.moved)
      progress.end()
      if case .failed(let reasons) = sharing {
        throw Diagnostic(
          code: "not-published", "`\(reference.name)` was not published", reason: reasons.joined(separator: "; "))
      }
      let there = try remote.look()
      var pins = try RegistryPins(project: workplace.project)
      pins.move(reference.name, to: there.digest)
      try pins.write(project: workplace.project)
      say(reference, there, found)
    }
  }

  private func say(_ reference: RegistryReference, _ there: RegistryRemote.Found, _ found: StoredResult) {
    let pinned = "\(reference.name)@sha256:\(there.digest.hex)"
    if json {
      let facts: JSON = [
        "name": JSON(reference.name), "digest": JSON("sha256:" + there.digest.hex), "key": JSON(there.key.hex),
        "outputs": .array(found.outputs.keys.sorted().map { JSON($0) }), "size": JSON(there.byteCount),
      ]
      Terminal.put(facts.text(.pretty))
    } else {
      Terminal.put("\(pinned)  \(byteCount(there.byteCount))")
      Terminal.say("pinned in \(RegistryPins.fileName)")
    }
  }
}
