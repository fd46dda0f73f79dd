import Diagnostics
import PreciseJSON
import Rewards
import Testing
import Training

@Suite("Reward functions")
struct RewardTests {
  private static func given(
    _ kind: some RewardKind, _ completion: String, ids: [Int32] = [], row: [(key: String, value: JSON)] = []
  ) throws -> Double? {
    let sample = RewardSample(completion: completion, ids: ids, row: JSONObject(row))
    return try kind.function(in: RewardContext(longestCompletion: 10)).rewards(of: [sample])[0]
  }

  private static func made<Kind: RewardKind>(_ kind: Kind.Type, _ change: (inout Kind) -> Void) -> Kind {
    var made = Kind()
    change(&made)
    return made
  }

  @Test("Every kind has a name of its own, and its defaults are in their ranges")
  func kinds() throws {
    #expect(Set(rewardKinds.map { $0.name }).count == rewardKinds.count)
    for kind in rewardKinds { try kind.init().validate() }
  }

  @Test(
    "Right answers of other types than text; none",
    arguments: [
      ("7", JSON(7), 1.0), ("7.50", JSON(7.5), 1), ("True.", JSON(true), 1), ("8", JSON(7), 0), ("7", JSON.null, nil),
    ])
  func truths(_ completion: String, _ truth: JSON, _ wanted: Double?) throws {
    let kind = Self.made(AnswerReward.self) { $0.check.source = .whole }
    #expect(try Self.given(kind, completion, row: [("answer", truth)]) == wanted)
  }

  @Test("A row without the column declines; the column is what `column` says")
  func columns() throws {
    let kind = Self.made(AnswerReward.self) { $0.check.column = "solution" }
    #expect(kind.columns == ["solution"])
    #expect(try Self.given(kind, "#### 7", row: [("answer", "7")]) == nil)
    #expect(try Self.given(kind, "#### 7", row: [("solution", "7")]) == 1)
  }

  @Test("An answer that is a list is an error")
  func listAsAnswer() {
    #expect(throws: RewardError.answerNotText(column: "answer", found: "a list")) {
      try Self.given(AnswerReward(), "#### 7", row: [("answer", ["7"])])
    }
  }

  @Test("No answer is wrong, or no reward; rewards are as they are set")
  func unanswered() throws {
    var kind = Self.made(AnswerReward.self) { ($0.right, $0.wrong) = (2, -1) }
    let row: [(key: String, value: JSON)] = [("answer", "7")]
    #expect(try Self.given(kind, "7", row: row) == -1)
    #expect(try Self.given(kind, "#### 8", row: row) == -1)
    #expect(try Self.given(kind, "#### 7", row: row) == 2)
    kind.unanswered = .none
    #expect(try Self.given(kind, "7", row: row) == nil)
    #expect(try Self.given(kind, "#### 8", row: row) == -1)
  }

  @Test("Numbers of any length are compared exactly")
  func longNumbers() throws {
    let long = String(repeating: "1234567890", count: 20)
    let row: [(key: String, value: JSON)] = [("answer", JSON(long + ".10"))]
    #expect(try Self.given(AnswerReward(), "#### " + long + ".1", row: row) == 1)
    #expect(try Self.given(AnswerReward(), "#### " + long + ".2", row: row) == 0)
  }

  @Test("Another marker")
  func marker() throws {
    let kind = Self.made(AnswerReward.self) { $0.check.marker = "Answer:" }
    #expect(try Self.given(kind, "Answer: 7\nbye", row: [("answer", "why\nAnswer: 7.0")]) == 1)
    #expect(Self.made(AnswerReward.self) { $0.check.marker = "" }.problem?.contains("`marker`") == true)
  }

  @Test(
    "Regular expressions, in part or whole, over lines or not",
    arguments: [
      ("a.b", false, false, "xa\nbx", 0.0), ("a.b", false, true, "xa\nbx", 1), ("a.b", true, true, "xa\nbx", 0),
      ("a.b", true, true, "a\nb", 1), ("a|ab", true, false, "ab", 1), ("^b", false, false, "a\nb", 0),
      ("(?m)^b", false, false, "a\nb", 1), ("(?P<n>\\d+) \\w+$", false, false, "7 Äpfel", 1),
      ("^$", false, false, "", 1),
      ("x", true, false, String(repeating: "y", count: 5000) + "x", 0), ("b$", false, false, "b\n", 1),
      ("b$", true, false, "b\n", 0),
    ])
  func expressions(_ pattern: String, _ whole: Bool, _ dotall: Bool, _ text: String, _ wanted: Double) throws {
    let kind = Self.made(RegexReward.self) { ($0.pattern, $0.whole, $0.dotall) = (pattern, whole, dotall) }
    #expect(kind.problem == nil)
    #expect(try Self.given(kind, text) == wanted)
  }

  @Test("What is no regular expression, in words")
  func malformedExpression() throws {
    let kind = Self.made(RegexReward.self) { $0.pattern = "a(b" }
    #expect(
      kind.problem == "`a(b` is no regular expression: missing closing parenthesis (at byte 3 of `a(b`)")
    #expect(throws: RewardError.self) { try Self.given(kind, "ab") }
    #expect(RegexReward().problem == "`pattern` is missing; say what to look for")
  }

  @Test("An expression that goes on for ever declines, and is counted")
  func endlessExpression() throws {
    let kind = Self.made(RegexReward.self) { $0.pattern = "^(a|aa)+$" }
    let function = try kind.function(in: RewardContext(longestCompletion: 1))
    let samples = [
      RewardSample(completion: String(repeating: "a", count: 400) + "b"), RewardSample(completion: "aaa"),
    ]
    #expect(try function.rewards(of: samples) == [nil, 1])
    #expect(function.timeouts == 1)
  }

  @Test(
    "Lengths of tokens, words and characters",
    arguments: [
      (LengthReward.Unit.tokens, 2, 3 as Int?, 0.0), (.tokens, 4, 4, 1), (.words, 2, 2, 1), (.words, 3, 9, 0),
      (.characters, 5, 5, 1), (.characters, 6, nil, 0), (.characters, 0, 5, 1),
    ])
  func lengths(_ unit: LengthReward.Unit, _ minimum: Int, _ maximum: Int?, _ wanted: Double) throws {
    let kind = Self.made(LengthReward.self) { ($0.unit, $0.minimum, $0.maximum) = (unit, minimum, maximum) }
    #expect(try Self.given(kind, "ab é\n", ids: [1, 2, 3, 4]) == wanted)
  }

  @Test("What the stage lets a completion have is the longest unless another is given")
  func longest() throws {
    // Of ten tokens, falling over the last two.
    #expect(try Self.given(OverlongReward(), "", ids: [Int32](repeating: 1, count: 9)) == -0.5)
    let right: [(key: String, value: JSON)] = [("answer", "7")]
    let half = try #require(try Self.given(CosineReward(), "#### 7", ids: [1, 2, 3, 4, 5], row: right))
    #expect(abs(half - 0.75) < 1e-12)
    #expect(try Self.given(CosineReward(), "#### 7", ids: [Int32](repeating: 1, count: 30), row: right) == 0.5)
    #expect(try Self.given(CosineReward(), "#### 7") == nil)
  }

  @Test(
    "Settings that contradict each other, in words",
    arguments: [
      (
        made(LengthReward.self) { ($0.minimum, $0.maximum) = (5, 4) } as any RewardKind,
        "`maximum` is 4, below `minimum`, 5"
      ),
      (LengthReward(), "neither `minimum` nor `maximum` says what is right"),
      (made(OverlongReward.self) { ($0.longest, $0.cache) = (5, 6) }, "`cache` is 6, above `longest`, 5"),
      (made(TagsReward.self) { $0.names = [] }, "`names` is empty; say which tags a completion is made of"),
      (
        made(TagsReward.self) { $0.names = ["<a>"] },
        "`names` has `<a>`, which is no name of a tag; write it without `<` and `>`"
      ),
      (ExecReward(), "`command` is missing; say which program to ask, such as `[python3, reward.py]`"),
      (
        made(ExecReward.self) { $0.command = ["python3 a.py"] },
        "`command` is one word with spaces in it; write a list: `[python3, a.py]`"
      ),
    ])
  func problems(_ kind: any RewardKind, _ words: String) { #expect(kind.problem == words) }

  @Test("Sums leave out what is declined; means and deviations are of what is there")
  func sums() throws {
    let sum = RewardSum([
      RewardTerm("answer", AnswerReward()),
      RewardTerm("length", weight: 0.5, Self.made(LengthReward.self) { $0.minimum = 1 }),
    ])
    let scores = try sum.scores(of: [
      RewardSample(completion: "#### 7", ids: [1], row: JSONObject([("answer", "7")])),
      RewardSample(completion: "#### 8", ids: [], row: JSONObject([("answer", "7")])),
      RewardSample(completion: "#### 8", ids: [1]),
    ])
    #expect(scores.totals == [1.5, 0, 0.5])
    #expect(scores.terms.map(\.name) == ["answer", "length"])
    #expect(scores.terms[0].rewards == [1, 0, nil])
    #expect(scores.bySample == [[1, 1], [0, 0], [nil, 1]])
    #expect(sum.weights == [1, 0.5])
    let answers = scores.terms[0].statistics
    #expect((answers.count, answers.declined, answers.mean) == (2, 1, 0.5))
    #expect(abs((answers.deviation ?? 0) - 0.5.squareRoot()) < 1e-15)
    let all = try RewardSum([RewardTerm("answer", AnswerReward())]).scores(of: [RewardSample(completion: "")])
    #expect(all.totals == [nil])
    #expect((all.statistics.mean, all.statistics.deviation, all.statistics.declined) == (nil, nil, 1))
  }
}
