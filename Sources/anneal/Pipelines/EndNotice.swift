import ArgumentParser
import Diagnostics
import Foundation
import Glibc
import Pipeline
import PreciseJSON

/// Where to say that a run has ended: `exec:COMMAND`, or `http://HOST[:PORT]/PATH`.
enum EndNotice: ExpressibleByArgument {
  /// A command for the shell, which gets what there is to say as JSON on its standard input and in its environment.
  case command(String)
  /// An address that gets it by POST.
  case post(WebAddress)

  init?(argument: String) {
    if argument.hasPrefix("exec:"), argument.count > 5 {
      self = .command(String(argument.dropFirst(5)))
    } else if let address = WebAddress(argument) {
      self = .post(address)
    } else {
      return nil
    }
  }

  /// How long either may take.
  private static let patience = 30

  /// Says it; what goes wrong with that is a warning, and changes nothing of the run.
  func send(_ message: Message) {
    do {
      switch self {
      case .command(let command): try Self.run(command, message)
      case .post(let address): try address.post(Array(message.json.text().utf8), seconds: Self.patience)
      }
    } catch {
      Terminal.report(diagnostics(of: error).map { $0.asWarning() })
    }
  }

  private static func run(_ command: String, _ message: Message) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    process.environment = ProcessInfo.processInfo.environment.merging(message.environment) { $1 }
    // Standard output is for what the run itself says.
    process.standardOutput = FileHandle.standardError
    let input = Pipe()
    process.standardInput = input
    signal(SIGPIPE, SIG_IGN)
    try process.run()
    try? input.fileHandleForWriting.write(contentsOf: Data((message.json.text() + "\n").utf8))
    try? input.fileHandleForWriting.close()
    let end = Date().addingTimeInterval(Double(patience))
    while process.isRunning, Date() < end { usleep(20_000) }
    guard !process.isRunning else {
      process.terminate()
      throw Diagnostic(code: "notice-failed", "`--notify` command did not end within \(patience) s")
    }
    guard process.terminationStatus == 0 else {
      throw Diagnostic(code: "notice-failed", "`--notify` command failed with exit code \(process.terminationStatus)")
    }
  }
}

extension EndNotice {
  /// What there is to say of a run.
  struct Message {
    var run: String
    var pipeline: String
    var state: String
    var seconds: Double
    var failed: [String]

    init(_ summary: RunSummary) {
      run = summary.id
      pipeline = summary.pipeline
      state = summary.state.rawValue
      seconds = summary.seconds
      failed = summary.names(.failed)
    }

    private var text: String {
      let failures = failed.isEmpty ? "" : "; failed: \(failed.joined(separator: ", "))"
      return "\(pipeline): \(state) after \(duration(seconds))\(failures)"
    }

    var json: JSON {
      [
        "run": JSON(run), "pipeline": JSON(pipeline), "state": JSON(state), "seconds": JSON(seconds),
        "failed": .array(failed.map { JSON($0) }), "text": JSON(text),
      ]
    }

    fileprivate var environment: [String: String] {
      [
        "ANNEAL_RUN": run, "ANNEAL_PIPELINE": pipeline, "ANNEAL_STATE": state, "ANNEAL_SECONDS": "\(seconds)",
        "ANNEAL_TEXT": text,
      ]
    }
  }
}
