import Glibc
import PreciseJSON
import Threads

/// One life of a program that is asked for rewards.
final class ScorerConversation {
  private let command: [String]
  private let process: SpawnedProcess
  private var input: Int32 { process.ends[0] }
  private var output: Int32 { process.ends[1] }
  /// What came and is no whole line yet.
  private var unread: [UInt8] = []
  /// Lines that were read.
  private var lines = 0
  private var hasEnded = false

  /// Bytes that a line may have.
  private static let longestLine = 1 << 20
  /// Seconds that a program gets to end by itself when nothing more is asked.
  private static let grace = 2.0

  init(_ command: [String]) throws(RewardError) {
    self.command = command
    // Writing to a program that is gone is an answer of `write`, not the end of this one.
    signal(SIGPIPE, SIG_IGN)
    do throws(SpawnedProcess.Refusal) {
      // Python keeps what it prints to a pipe to itself until it has much of it.
      process = try SpawnedProcess(
        command, [(0, .fromParent), (1, .toParent)], environment: .inherited(with: ["PYTHONUNBUFFERED": "1"]))
    } catch {
      switch error {
      case .pipe(let code), .program(let code): throw .start(command, code: code)
      }
    }
    for end in process.ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
  }

  deinit { end(waiting: false) }

  /// The rewards of completions; fewer than those when the next one did not come in time.
  func rewards(of samples: ArraySlice<RewardSample>, timeout: Double) throws(RewardError) -> [Double?] {
    var questions: [UInt8] = []
    for sample in samples { questions += Self.question(sample) }
    var asked = 0
    var rewards: [Double?] = []
    var deadline = Self.now + timeout
    while true {
      while rewards.count < samples.count, let line = try nextLine() {
        rewards.append(try reward(in: line))
        deadline = Self.now + timeout
      }
      if rewards.count == samples.count {
        if let line = try nextLine() { throw malformed(line, "no completion is waiting for a reward") }
        return rewards
      }
      let left = deadline - Self.now
      guard left > 0 else { return rewards }
      var ends = [pollfd(fd: output, events: Int16(POLLIN), revents: 0)]
      if asked < questions.count { ends.append(pollfd(fd: input, events: Int16(POLLOUT), revents: 0)) }
      _ = poll(&ends, nfds_t(ends.count), Int32(min(left * 1000, 60_000).rounded(.up)))
      if ends.count > 1, ends[1].revents != 0 {
        let sent = questions[asked...].withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
        // What is gone cannot be asked; that it is gone shows where answers should come.
        if sent > 0 { asked += sent } else if errno != EAGAIN, errno != EINTR { asked = questions.count }
      }
      if ends[0].revents != 0, try !readMore() {
        throw ended(answered: rewards.count, of: samples.count)
      }
    }
  }

  private static func question(_ sample: RewardSample) -> [UInt8] {
    JSON([
      ("prompt", JSON(sample.prompt)), ("completion", JSON(sample.completion)), ("row", .object(sample.row)),
    ]).bytes() + [UInt8(ascii: "\n")]
  }

  /// Reads what there is; false at the end.
  private func readMore() throws(RewardError) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let got = read(output, &chunk, chunk.count)
    if got > 0 {
      unread += chunk[..<got]
      return true
    }
    if got < 0, errno == EAGAIN || errno == EINTR { return true }
    // The last line may lack its end.
    guard !unread.isEmpty, unread.last != UInt8(ascii: "\n") else { return false }
    unread.append(UInt8(ascii: "\n"))
    return true
  }

  private func nextLine() throws(RewardError) -> [UInt8]? {
    guard let end = unread.firstIndex(of: UInt8(ascii: "\n")) else {
      if unread.count > Self.longestLine {
        lines += 1
        throw malformed(unread, "it is longer than \(Self.longestLine) bytes")
      }
      return nil
    }
    let line = Array(unread[..<end])
    unread.removeSubrange(...end)
    lines += 1
    return line
  }

  private func reward(in line: [UInt8]) throws(RewardError) -> Double? {
    let json: JSON
    do { json = try JSON(parsing: line, file: command.joined(separator: " ")) } catch {
      throw malformed(line, "it is not JSON")
    }
    guard let object = json.object else { throw malformed(line, "it is \(json.kind), not an object") }
    guard let reward = object["reward"] else {
      throw malformed(line, object.isEmpty ? "it is empty" : "it has no `reward`")
    }
    if reward.isNull { return nil }
    guard let value = reward.double else { throw malformed(line, "`reward` is \(reward.kind), not a number") }
    guard value.isFinite else { throw malformed(line, "`reward` is larger than any number here") }
    return value
  }

  private func malformed(_ line: [UInt8], _ reason: String) -> RewardError {
    let shown = String(decoding: line.prefix(200), as: UTF8.self) + (line.count > 200 ? "…" : "")
    return .malformed(command, line: lines, text: shown, reason: reason)
  }

  /// That it went before it had answered, with how.
  private func ended(answered: Int, of count: Int) -> RewardError {
    // It has closed its output; what keeps it after that is not waited for.
    let ending = wait(Self.grace)
    return .ended(command, ending, answered: answered, of: count)
  }

  /// Ends the program, with all that it started: asked by the end of its input where there is time, else at once.
  func end(waiting: Bool) {
    guard !hasEnded else { return }
    close(input)
    if waiting { _ = wait(Self.grace) }
    if !hasBeenReaped {
      process.signal(SIGKILL)
      while waitpid(process.id, nil, 0) < 0, errno == EINTR {}
    }
    // What it started is in its group.
    kill(-process.id, SIGKILL)
    close(output)
    hasEnded = true
  }

  private var hasBeenReaped = false

  /// How it ended, within some seconds; nil when it still runs.
  private func wait(_ seconds: Double) -> SpawnedProcess.Ending? {
    let deadline = Self.now + seconds
    repeat {
      if let ending = process.ending() {
        hasBeenReaped = true
        return ending
      }
      usleep(5000)
    } while Self.now < deadline
    return nil
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
