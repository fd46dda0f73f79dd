import Diagnostics
import Foundation
import Glibc
import Threads

/// What a program is asked before a node's key is known; its answer is in the key.
package struct VersionQuestion: Sendable, Hashable {
  /// The field that says what to ask, for messages and for the key's entry.
  package var field: String
  package var command: [String]
  /// All that the program sees, but for `HOME` and `TMPDIR`, which are an empty folder unless they are among it.
  package var environment: [String: String]

  /// Seconds that an answer may take.
  static let patience = 30.0
  /// Bytes that an answer may have.
  static let longest = 1 << 16

  package init(field: String, command: [String], environment: [String: String]) {
    self.field = field
    self.command = command
    self.environment = environment
  }

  /// The label of the answer in keys.
  var label: String { "answers.\(field)" }

  /// Asks: what the program writes to its standard output, without white space around it.
  ///
  /// - Throws: ``VersionError``, ``SystemError``.
  package func answer() throws -> String {
    let folder = FileManager.default.temporaryDirectory.path + "/anneal-version-\(uniqueName())"
    try FileSystem().makeFolder(folder)
    defer { try? FileSystem().removeTree(folder) }
    let environment = ["HOME": folder, "TMPDIR": folder].merging(environment) { $1 }
    guard let name = command.first, let file = programFile(name, in: folder, along: environment["PATH"] ?? "") else {
      throw VersionError(self, .missing)
    }
    let nothing = try ChildProcess.opened(log: "/dev/null")
    defer { close(nothing) }
    let process: SpawnedProcess
    do {
      process = try SpawnedProcess(
        [file] + command.dropFirst(), [(0, .open(nothing)), (1, .toParent), (2, .toParent)],
        environment: .exactly(environment), folder: folder)
    } catch {
      switch error {
      case .pipe(let code), .program(let code): throw SystemError("start", file, code: code)
      }
    }
    return try answer(of: process)
  }

  private func answer(of process: SpawnedProcess) throws -> String {
    var written: [[UInt8]] = [[], []]
    let deadline = steadyClock() + Self.patience
    var ending: SpawnedProcess.Ending?
    defer {
      // What it started goes with it.
      if ending == nil { process.signal(SIGKILL) } else { kill(-process.id, SIGKILL) }
      if ending == nil { while waitpid(process.id, nil, 0) < 0, errno == EINTR {} }
      for end in process.ends { close(end) }
    }
    for end in process.ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    while true {
      // Looked at first: what it wrote before its end is read after it.
      ending = process.ending()
      for (place, end) in process.ends.enumerated() { try read(end, into: &written[place], process) }
      if ending != nil { break }
      guard steadyClock() < deadline else { throw VersionError(self, .late) }
      var ends = process.ends.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      // A program that has closed both is about to end.
      if poll(&ends, nfds_t(ends.count), 20) > 0, ends.allSatisfy({ $0.revents & Int16(POLLIN) == 0 }) { pause(0.002) }
    }
    let texts = written.map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    guard ending == .exited(0) else {
      throw VersionError(self, .failed(ending ?? .exited(-1), texts[1].isEmpty ? texts[0] : texts[1]))
    }
    guard !texts[0].isEmpty else { throw VersionError(self, .silent(texts[1])) }
    return texts[0]
  }

  private func read(_ descriptor: Int32, into bytes: inout [UInt8], _ process: SpawnedProcess) throws {
    var chunk = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let got = Glibc.read(descriptor, &chunk, chunk.count)
      guard got > 0 else { return }
      bytes += chunk[..<got]
      guard bytes.count <= Self.longest else { throw VersionError(self, .long) }
    }
  }
}

/// A program that did not say its version.
package struct VersionError: DiagnosticError, Hashable {
  enum Problem: Hashable {
    case missing
    case late
    case long
    /// With what it wrote to its standard error.
    case silent(String)
    /// With the last of what it wrote.
    case failed(SpawnedProcess.Ending, String)
    /// It says something else than before the node began.
    case changed(old: String, new: String)
  }

  var question: VersionQuestion
  var problem: Problem

  init(_ question: VersionQuestion, _ problem: Problem) {
    self.question = question
    self.problem = problem
  }

  package var diagnostics: [Diagnostic] { [diagnostic] }

  private var diagnostic: Diagnostic {
    let field = question.field
    let command = question.command.joined(separator: " ")
    func words(_ summary: String, why reason: String? = nil, try advice: String? = nil) -> Diagnostic {
      Diagnostic(code: "version", summary, reason: reason, advice: advice)
    }
    switch problem {
    case .missing:
      let name = question.command.first ?? ""
      return words(
        "`\(field)` does not start: there is no program `\(name)`",
        why: name.contains("/")
          ? "it is asked in an empty folder, where no relative path leads anywhere"
          : "it was looked for along `PATH`, \(question.environment["PATH"] ?? "")",
        try: "Name the program by its whole path, or one that is on `PATH`")
    case .late:
      return words(
        "`\(field)` gave no answer within \(duration(VersionQuestion.patience))", why: "`\(command)` was ended",
        try: "Ask something that answers at once, such as `importlib.metadata.version(\"trl\")` in Python")
    case .long:
      return words(
        "`\(field)` wrote more than \(VersionQuestion.longest) bytes", why: "`\(command)` was ended",
        try: "Ask something that writes a version and no more")
    case .silent(let others):
      return words(
        "`\(field)` ended without an answer",
        why: "`\(command)` wrote nothing to its standard output"
          + (others.isEmpty ? "" : ", and to its standard error: \(Self.tail(others))"),
        try: "Have it write the version to its standard output")
    case .failed(let ending, let text):
      return words(
        "`\(field)` \(ProgramEnding(ending).words)",
        why: "`\(command)`" + (text.isEmpty ? " wrote nothing" : " wrote: \(Self.tail(text))"),
        try: "Try the command by itself; it sees the variables of `environment` and `inherit` and no others")
    case .changed(let old, let new):
      return words(
        "`\(field)` says something else than before the node began",
        why: "it said `\(old)` and says `\(new)` now: the result would belong to neither", try: "run again")
    }
  }

  private static func tail(_ text: String) -> String {
    let lines = text.split(separator: "\n").suffix(5)
    return lines.count == 1 ? String(lines[0]) : "\n" + lines.map { "  " + $0 }.joined(separator: "\n")
  }
}
