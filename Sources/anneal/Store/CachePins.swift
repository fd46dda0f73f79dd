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
  @Argument(help: "Action keys as `anneal cache ls` and `anneal show` give them, whole or their beginnings.")
  var keys: [String]

  @OptionGroup var workplace: Workplace

  @Option(help: "The folder that `anneal cache serve` serves, in place of the store.")
  var folder: String?

  func change(_ body: (Store, Digest) throws -> Void) throws {
    let store = try folder.map { Store(path: try FileSystem().resolved($0)) } ?? workplace.openedStore
    let known = try store.keys()
    let digests = try keys.map { try Self.key($0, among: known, store) }
    for digest in digests { try body(store, digest) }
  }

  private static func key(_ text: String, among known: [Digest], _ store: Store) throws -> Digest {
    if let digest = Digest(hex: text) {
      if !known.contains(digest) {
        Terminal.report([
          Diagnostic(
            .warning, code: "no-result", "There is no result `\(digest.short)` in `\(store.path)`",
            reason: "the pin holds once there is one")
        ])
      }
      return digest
    }
    let found = Set(known + (try store.pins())).filter { $0.hex.hasPrefix(text) }
    guard text.utf8.count >= 6, found.count == 1, let only = found.first else {
      throw Diagnostic(
        code: "bad-key", "`\(text)` is \(found.count > 1 ? "the beginning of several action keys" : "no action key")",
        reason: "a key has 64 small hexadecimal digits; of one in `\(store.path)` the first six or more will do",
        advice: "`anneal cache ls` has them")
    }
    return only
  }
}
