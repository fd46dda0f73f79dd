import ArgumentParser
import Diagnostics
import Pipeline

/// `anneal cache pin`: keeps results whatever is collected or evicted.
struct CachePinCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin", abstract: "Keeps results, with all that they name, until they are unpinned.")

  @OptionGroup var pins: PinArguments

  func run() throws { try reportingProblems { try pins.change { try $0.pin($1) } } }
}

/// `anneal cache unpin`: lets results go again.
struct CacheUnpinCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "unpin", abstract: "Lets pinned results go again.")

  @OptionGroup var pins: PinArguments

  func run() throws { try reportingProblems { try pins.change { try $0.unpin($1) } } }
}

/// Results by their keys, in the store or in a cache's folder.
struct PinArguments: ParsableArguments {
  @Argument(help: "Action keys, as `anneal cache ls --json` and `anneal show --json` give them.")
  var keys: [String]

  @OptionGroup var workplace: Workplace

  @Option(help: "The folder that `anneal cache serve` serves, in place of the store.")
  var folder: String?

  func change(_ body: (Store, Digest) throws -> Void) throws {
    let store = try folder.map { Store(path: try FileSystem().resolved($0)) } ?? workplace.openedStore
    let digests = try keys.map { text in
      guard let digest = Digest(hex: text) else {
        throw Diagnostic(
          code: "bad-key", "`\(text)` is no action key", reason: "a key has 64 small hexadecimal digits",
          advice: "`anneal cache ls --json` has them whole")
      }
      return digest
    }
    for digest in digests { try body(store, digest) }
  }
}
