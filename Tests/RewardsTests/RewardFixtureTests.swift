import PreciseJSON
import Rewards
import TestKit
import Testing
import Training

/// The values of `Tests/Fixtures/Stages/rewards.json`, made by `scripts/reference/stages`.
@Suite("Reward functions equal their definitions")
struct RewardFixtureTests {
  struct Value: CustomTestStringConvertible, Sendable {
    var json: JSON
    var name: String { json["name"]?.string ?? "" }
    var settings: JSON { json["settings"] ?? .null }
    var inputs: JSON { json["inputs"] ?? .null }
    var testDescription: String { "\(name) \(settings.text()) \(inputs.text())" }
  }

  static let values: [Value] = {
    let json = try? readJSON(fixture("Stages/rewards.json"))
    return (json?["values"]?.array ?? []).map { Value(json: $0) }
  }()

  @Test("Each value of the file", arguments: values.filter { $0.name != "normal" })
  func value(_ value: Value) throws {
    let kind = try Self.kind(value)
    try kind.validate()
    #expect(kind.problem == nil)
    let function = try kind.function(in: RewardContext(longestCompletion: 7))
    let reward = try #require(try function.rewards(of: [Self.sample(value)])[0])
    let wanted = try #require(value.json["reward"]?.double)
    #expect(abs(reward - wanted) <= 1e-12, "\(reward), not \(wanted)")
  }

  /// Normal forms are seen by what is equal to them as an answer that is a whole text.
  @Test("Normal forms", arguments: values.filter { $0.name == "normal" })
  func normalForm(_ value: Value) throws {
    var answer = AnswerReward()
    answer.check.source = .whole
    let text = try #require(value.inputs["text"]?.string)
    func isRight(_ completion: String, _ truth: String) throws -> Bool {
      try answer.reward(of: RewardSample(completion: completion, row: JSONObject([("answer", JSON(truth))]))) == 1
    }
    if let normal = value.json["normal"]?.string {
      #expect(try isRight(text, normal) && isRight(normal, text))
      // A number is found in other words, too.
      #expect(try isRight("it is \(normal), I think", text))
    } else {
      // Compared as texts: nothing but the same letters is right.
      #expect(try isRight(text, text) && !isRight("it is \(text), I think", text))
    }
  }

  @Test("The file has values of each kind but `exec`, `regex` and `length`")
  func coverage() {
    let names = Set(Self.values.map(\.name))
    #expect(Self.values.count == 96)
    let others: Set<String> = ["exec", "regex", "length"]
    #expect(Set(rewardKinds.map { $0.name }).subtracting(others) == names.subtracting(["normal"]))
  }

  static func sample(_ value: Value) -> RewardSample {
    let inputs = value.inputs
    let right = inputs["right"]?.bool
    var completion = inputs["completion"]?.string ?? ""
    if let right { completion = right ? "#### 1" : "#### 2" }
    let truth: JSON? = inputs["truth"] ?? (right == nil ? JSON?.none : JSON("1"))
    let ids = inputs["ids"]?.array?.compactMap { $0.int.map(Int32.init) }
    return RewardSample(
      completion: completion, ids: ids ?? [Int32](repeating: 1, count: inputs["tokens"]?.int ?? 0),
      row: JSONObject(truth.map { [("answer", $0)] } ?? []))
  }

  static func kind(_ value: Value) throws -> any RewardKind {
    let settings = value.settings
    func numbers(_ name: String) -> [Double] { settings[name]?.array?.compactMap(\.double) ?? [] }
    switch value.name {
    case "answer":
      var answer = AnswerReward()
      answer.check.source = try #require(settings["source"]?.string.flatMap(AnswerSource.init(rawValue:)))
      return answer
    case "think": return ThinkReward()
    case "tags":
      var tags = TagsReward()
      tags.names = settings["tags"]?.array?.compactMap(\.string) ?? []
      return tags
    case "overlong":
      var overlong = OverlongReward()
      (overlong.longest, overlong.cache) = (settings["longest"]?.int, settings["cache"]?.int)
      return overlong
    case "cosine":
      var cosine = CosineReward()
      cosine.longest = settings["longest"]?.int
      (cosine.right, cosine.wrong) = (numbers("right"), numbers("wrong"))
      return cosine
    case "repetition":
      var repetition = RepetitionReward()
      repetition.size = try #require(settings["size"]?.int)
      repetition.penalty = try #require(settings["penalty"]?.double)
      return repetition
    default:
      Issue.record("`\(value.name)` is no kind of rewards")
      return ThinkReward()
    }
  }
}
