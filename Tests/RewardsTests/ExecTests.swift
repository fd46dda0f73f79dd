import Diagnostics
import Foundation
import Glibc
import PreciseJSON
import Rewards
import Testing

@Suite("Programs that give rewards")
struct ExecTests {
  /// A shell script as a reward function; it can be asked for the number of its process by what it writes to a file.
  private final class Program {
    let folder: URL
    let function: any RewardFunction

    init(_ script: String, timeout: Double = 20) throws {
      folder = FileManager.default.temporaryDirectory.appending(path: "reward-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let file = folder.appending(path: "reward.sh")
      try "echo $$ >> \"$(dirname \"$0\")/processes\"\n\(script)\n".write(to: file, atomically: true, encoding: .utf8)
      var settings = ExecReward()
      settings.command = ["sh", file.path]
      settings.timeout = timeout
      function = try settings.function(in: RewardContext(longestCompletion: 1))
    }

    /// The processes that were started.
    var processes: [Int32] {
      get throws {
        try String(contentsOf: folder.appending(path: "processes"), encoding: .utf8).split(separator: "\n").compactMap {
          Int32($0)
        }
      }
    }

    /// Whether none of them is there any more, not as a zombie either.
    var areGone: Bool { get throws { try processes.allSatisfy { Glibc.kill($0, 0) != 0 && errno == ESRCH } } }

    deinit { try? FileManager.default.removeItem(at: folder) }
  }

  private static func samples(_ count: Int) -> [RewardSample] {
    (0..<count).map { RewardSample(prompt: "p\($0)", completion: "c\n\($0)", row: JSONObject([("n", JSON($0))])) }
  }

  /// Answers each line by the number in its row.
  private static let echo = """
    while read -r line; do number=${line##*:}; echo "{\\"reward\\": ${number%%\\}*}}"; done
    """

  private func error(_ script: String, _ count: Int = 2) throws -> (RewardError?, Program) {
    let program = try Program(script)
    do {
      _ = try program.function.rewards(of: Self.samples(count))
      return (nil, program)
    } catch let error as RewardError { return (error, program) }
  }

  @Test("One process answers several batches, larger than a pipe holds, and is gone in the end")
  func batches() throws {
    let program = try Program(Self.echo)
    #expect(try program.function.rewards(of: Self.samples(3)) == [0, 1, 2])
    #expect(try program.function.rewards(of: []) == [])
    #expect(try program.function.rewards(of: Self.samples(3000)) == (0..<3000).map { Double($0) })
    #expect(try program.processes.count == 1)
    program.function.end()
    #expect(try program.areGone)
    #expect(program.function.timeouts == 0)
  }

  @Test("Is given the prompt, the completion and the row, a line each")
  func question() throws {
    let program = try Program("tee \"$(dirname \"$0\")/asked\" | sed -u 's/.*/{\"reward\": 1}/'")
    #expect(try program.function.rewards(of: Self.samples(1)) == [1])
    program.function.end()
    let asked = try String(contentsOf: program.folder.appending(path: "asked"), encoding: .utf8)
    #expect(asked == "{\"prompt\":\"p0\",\"completion\":\"c\\n0\",\"row\":{\"n\":0}}\n")
  }

  @Test("Null declines; white space, other members and a last line without an end are fine")
  func declines() throws {
    let program = try Program(
      "read -r a; read -r b; echo '{\"reward\": null}'; printf ' {\"why\": \"so\", \"reward\": -2.5e0} '; exec cat >/dev/null"
    )
    // The output ends when the shell becomes another program.
    #expect(try program.function.rewards(of: Self.samples(2)) == [nil, -2.5])
  }

  @Test("What does not come in time is none and counted; the rest is asked of a new process")
  func timeout() throws {
    let program = try Program(
      """
      while read -r line; do
        case $line in *p1*) sleep 1000 & sleep 1000;; *) echo '{"reward": 1}';; esac
      done
      """, timeout: 0.5)
    let start = ContinuousClock.now
    #expect(try program.function.rewards(of: Self.samples(3)) == [1, nil, 1])
    #expect(ContinuousClock.now - start < .seconds(10))
    #expect(program.function.timeouts == 1)
    #expect(try program.processes.count == 2)
    #expect(try program.function.rewards(of: Self.samples(1)) == [1])
    program.function.end()
    #expect(try program.areGone)
  }

  @Test("A program that never answers is an error after some times")
  func silence() throws {
    let program = try Program("while read -r line; do :; done", timeout: 0.2)
    #expect(try program.function.rewards(of: Self.samples(2)) == [nil, nil])
    #expect(program.function.timeouts == 2)
    let error = #expect(throws: RewardError.self) { try program.function.rewards(of: Self.samples(2)) }
    let diagnostic = try #require(error?.diagnostics.first)
    #expect(diagnostic.summary.hasSuffix("gave no answer within 0.2 seconds, 3 times"))
    #expect(diagnostic.advice == "Flush after each line, or raise `timeout`")
    #expect(try program.areGone)
  }

  @Test(
    "Lines that are no rewards, with the line",
    arguments: [
      ("hello", "it is not JSON"), ("3", "it is a number, not an object"), ("{}", "it is empty"),
      ("{\"score\": 1}", "it has no `reward`"), ("{\"reward\": \"1\"}", "`reward` is a string, not a number"),
      ("{\"reward\": 1e999}", "`reward` is larger than any number here"), ("{\"reward\": NaN}", "it is not JSON"),
      ("", "it is not JSON"),
    ])
  func malformed(_ line: String, _ reason: String) throws {
    let (error, program) = try error("read -r a; echo '{\"reward\": 1}'; echo '\(line)'; sleep 1000")
    guard case .malformed(let command, let number, let text, let found)? = error else {
      Issue.record("no error but \(String(describing: error))")
      return
    }
    #expect((command.count, number, text, found) == (2, 2, line, reason))
    #expect(try program.areGone)
  }

  @Test("A line too many, and one without an end")
  func lines() throws {
    let (many, _) = try error(
      "read -r a; echo '{\"reward\": 1}'; printf '{\"reward\": 1}\\n{\"reward\": 2}\\n'; cat > /dev/null")
    #expect(many?.diagnostics[0].summary.hasSuffix("is no reward: no completion is waiting for a reward") == true)
    let (long, _) = try error("head -c 2000000 /dev/zero | tr '\\0' 'x'; sleep 1000")
    guard case .malformed(_, 1, let text, "it is longer than 1048576 bytes")? = long else {
      Issue.record("no error but \(String(describing: long))")
      return
    }
    #expect(text == String(repeating: "x", count: 200) + "…")
  }

  @Test("A program that ends before it has answered")
  func ends() throws {
    for (script, words) in [
      ("read -r a; echo '{\"reward\": 1}'; exit 3", "ended with code 3"), ("kill -9 $$", "was killed by signal 9"),
      ("exit 0", "ended with code 0"),
    ] {
      let (error, program) = try error(script)
      let diagnostic = try #require(error?.diagnostics.first)
      #expect(diagnostic.summary.hasSuffix(words))
      #expect(diagnostic.reason == "It had answered \(words.hasSuffix("3") ? 1 : 0) of 2 completions")
      #expect(try program.areGone)
    }
    // Between two batches.
    let program = try Program("read -r a; echo '{\"reward\": 1}'")
    #expect(try program.function.rewards(of: Self.samples(1)) == [1])
    #expect(throws: RewardError.self) { try program.function.rewards(of: Self.samples(1)) }
    #expect(try program.areGone)
  }

  @Test("A program that does not end by itself is killed, with what it started")
  func kill() throws {
    let program = try Program(
      "trap '' TERM HUP; (echo $(exec sh -c 'echo $PPID') >> \"$(dirname \"$0\")/processes\"; sleep 1000) &\n"
        + "read -r a; echo '{\"reward\": 1}'; sleep 1000")
    #expect(try program.function.rewards(of: Self.samples(1)) == [1])
    program.function.end()
    #expect(Glibc.kill(try #require(try program.processes.first), 0) != 0)
    // A grandchild's new parent has to see it off first.
    for _ in 0..<400 where !(try program.areGone) { usleep(5000) }
    #expect(try program.areGone)
  }

  @Test("A program that is not there, in words")
  func missing() throws {
    var settings = ExecReward()
    for (program, advice) in [
      ("no-such-program", "There is no `no-such-program` on `PATH`"),
      ("./no-such-file", "There is no file `./no-such-file`, or not the program that its first line names"),
      ("/dev/null", "Make it executable (`chmod +x`), or name the program that runs it: `[python3, /dev/null]`"),
    ] {
      settings.command = [program, "x"]
      let error = #expect(throws: RewardError.self) {
        _ = try settings.function(in: RewardContext(longestCompletion: 1))
      }
      #expect(error?.diagnostics[0].summary == "The reward program `\(program) x` does not start")
      #expect(error?.diagnostics[0].advice == advice)
    }
  }
}
