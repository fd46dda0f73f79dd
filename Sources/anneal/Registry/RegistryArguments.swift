import ArgumentParser
import Diagnostics
import Pipeline
import Synchronization

/// How a registry is reached.
struct RegistryArguments: ParsableArguments {
  @Option(help: "A file with the only certificates to trust, instead of the system's.")
  var ca: String?

  @Flag(help: "Speak HTTP without certificates, as with a registry on this machine.")
  var plainHttp = false

  func remote(_ reference: RegistryReference, isWritable: Bool) throws -> RegistryRemote {
    if let ca, try FileSystem().status(ca)?.kind != .file {
      throw Diagnostic(code: "file", "There is no file `\(ca)` with certificates", path: "--ca")
    }
    return try RegistryRemote(reference, ca: ca, isPlain: plainHttp, isWritable: isWritable)
  }

  static func reference(_ text: String) throws -> RegistryReference {
    do { return try RegistryReference(text) } catch {
      throw Diagnostic(
        code: "bad-name", "`\(text)` is no name in a registry", reason: error.reason,
        advice: "write `HOST/PATH:TAG`, such as `ghcr.io/team/sft:v1`")
    }
  }
}

/// Says on a terminal how much of something has gone or come, a few times a second.
final class TransferProgress: Sendable {
  private let word: String
  private let all: Int
  private let state = Mutex((bytes: 0, shown: 0.0))
  private let isShown = Terminal.isInteractive

  private static let pace = 0.2

  init(_ word: String, of all: Int) {
    self.word = word
    self.all = all
  }

  /// Told of bytes that have moved.
  func moved(_ bytes: Int) { show { $0 + bytes } }

  /// Told how many bytes have moved in all.
  func stands(at bytes: Int) { show { max($0, bytes) } }

  private func show(_ change: (Int) -> Int) {
    let shown: Int? = state.withLock { state in
      state.bytes = change(state.bytes)
      guard isShown, steadyClock() - state.shown > Self.pace else { return nil }
      state.shown = steadyClock()
      return state.bytes
    }
    if let shown { Terminal.overwrite("\(word) \(byteCount(min(shown, all))) of \(byteCount(all))") }
  }

  func end() { if isShown { Terminal.overwrite("") } }
}

extension StoredResult {
  /// Of all its outputs.
  var byteCount: Int { outputs.values.reduce(0) { $0 + $1.size } }
}
