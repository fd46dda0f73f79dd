import Foundation
import Glibc
import Threads

/// A program that ran to its end, and what it wrote.
struct CapturedProgram: Sendable {
  /// Why there is none.
  enum Failure: Error, Sendable {
    /// It was ended after the time it had.
    case late
    /// It wrote more than it may, and was ended.
    case long
    case system(SystemError)
  }

  var ending: SpawnedProcess.Ending
  /// Without white space around them, as what follows.
  var output: String
  var errors: String

  /// Bytes that a program may write unless another bound is given.
  static let longest = 1 << 24

  /// Runs a program and waits for it; what it started goes with it.
  ///
  /// - Parameters:
  ///   - words: The program's file and its arguments.
  ///   - patience: Seconds that it has.
  init(
    _ words: [String], environment: SpawnedProcess.Environment, folder: String? = nil, patience: Double,
    longest: Int = CapturedProgram.longest
  ) throws(Failure) {
    let process: SpawnedProcess
    do {
      let nothing = try ChildProcess.opened(log: "/dev/null")
      defer { close(nothing) }
      process = try SpawnedProcess(
        words, [(0, .open(nothing)), (1, .toParent), (2, .toParent)], environment: environment, folder: folder)
    } catch let error as SystemError {
      throw .system(error)
    } catch SpawnedProcess.Refusal.pipe(let code), SpawnedProcess.Refusal.program(let code) {
      throw .system(SystemError("start", words.first ?? "", code: code))
    } catch { throw .system(SystemError("start", words.first ?? "")) }
    var written: [[UInt8]] = [[], []]
    let deadline = steadyClock() + patience
    var ending: SpawnedProcess.Ending?
    defer {
      if ending == nil { process.signal(SIGKILL) } else { kill(-process.id, SIGKILL) }
      if ending == nil { while waitpid(process.id, nil, 0) < 0, errno == EINTR {} }
      for end in process.ends { close(end) }
    }
    for end in process.ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    while true {
      // Looked at first: what it wrote before its end is read after it.
      ending = process.ending()
      for (place, end) in process.ends.enumerated() { try Self.read(end, into: &written[place], longest) }
      if ending != nil { break }
      guard steadyClock() < deadline else { throw .late }
      var ends = process.ends.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      // A program that has closed both is about to end.
      if poll(&ends, nfds_t(ends.count), 20) > 0, ends.allSatisfy({ $0.revents & Int16(POLLIN) == 0 }) { pause(0.002) }
    }
    let texts = written.map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    self.ending = ending ?? .exited(-1)
    (output, errors) = (texts[0], texts[1])
  }

  private static func read(_ descriptor: Int32, into bytes: inout [UInt8], _ longest: Int) throws(Failure) {
    var chunk = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let got = Glibc.read(descriptor, &chunk, chunk.count)
      guard got > 0 else { return }
      bytes += chunk[..<got]
      guard bytes.count <= longest else { throw .long }
    }
  }
}
