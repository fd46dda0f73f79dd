import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import Rewards
import TestKit
import Testing
import Training

/// Reward functions in pipeline files.
struct RewardFieldTests {
  /// A node type with reward functions and nothing else.
  private enum Graded: NodeType {
    struct Fields: FieldSet {
      var rewards: [RewardField] = []
      static let fields: [Field<Self>] = [Field("rewards", \.rewards, doc: RewardField.listDoc)]
    }
    static let name = "graded"
    static let summary = "Grades"
    static let implementationVersion = 1
    static let inputs: [InputPort] = []
    static let outputs = [OutputPort("grades", "grades", doc: "The grades")]
    static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
      try fields.rewards.sources(of: "rewards")
    }
    static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
      Inference(outputs: ["grades": ArtefactType("grades")], conflicts: fields.rewards.conflicts(at: "rewards"))
    }
    static func run(_ fields: Fields, in context: NodeContext) {}
  }

  private static let registry = NodeRegistry([Graded.self])
  private let folder: TemporaryFolder
  private let store: Store

  init() throws {
    folder = try TemporaryFolder()
    store = Store(path: folder.path("store"), files: FileSystem(isDurable: false))
    try folder.write("while read -r line; do echo '{\"reward\": 0.5}'; done\n", to: "reward.sh")
  }

  /// The node with these rewards; `DIR` is the folder.
  private func load(_ rewards: String) throws -> ResolvedNode {
    let text =
      "pipeline: p\nnodes:\n  graded: {type: graded, rewards: \(rewards.replacing("DIR", with: folder.path))}\n"
    let pipeline = try PipelineFile.load(
      text: text, file: "p.yaml", registry: Self.registry, sources: store.sources)
    return try #require(pipeline.node("graded"))
  }

  private func fields(_ node: ResolvedNode) throws -> [RewardField] {
    try #require(node.fields.of(Graded.Fields.self)).rewards
  }

  private func complaints(_ rewards: String) -> [String] {
    do {
      _ = try load(rewards)
      return []
    } catch {
      return diagnostics(of: error).map { diagnostic in
        let words = [diagnostic.summary, diagnostic.reason, diagnostic.advice].compactMap { $0 }
        return "\(diagnostic.path ?? ""): \(words.joined(separator: " | "))"
      }
    }
  }

  @Test("Every kind can be written, with each of its settings")
  func everyKind() throws {
    let problems = try KeyCoverage.problems(Self.registry) + DeclarationCoverage.undeclared(Self.registry)
    #expect(problems == [])
    let node = try load(
      """
      [{type: answer, source: last_number, column: solution, right: 2}, {type: regex, pattern: "a+", dotall: true}, \
      {type: think}, {type: tags, names: [a]}, {type: length, maximum: 9, unit: words}, {type: overlong, cache: 3}, \
      {type: cosine, right: [0, 1]}, {type: repetition, size: 2, penalty: -2}, {type: exec, command: cat, timeout: 1}]
      """)
    let fields = try fields(node)
    #expect(fields.names == rewardKinds.map { $0.name })
    #expect(fields.columns == ["solution", "answer"])
  }

  @Test(arguments: [
    ("[{type: answer}, {type: answer}, {type: answer, name: other}]", []),
    (
      "[{type: answer, name: a}, {type: think, name: a}, {type: think, name: 'a b'}]",
      [
        "nodes.graded.rewards[1].name: Two reward functions are called `a` | number 1 of the list is called so too"
          + " | give one of them another `name`",
        "nodes.graded.rewards[2].name: `a b` is no name of a measure | one has letters, digits, `_` and `-`",
      ]
    ),
    (
      "[{type: answr}]",
      [
        "nodes.graded.rewards[0].type: `answr` is not one of [`answer`, `regex`, `think`, `tags`, `length`, `overlong`,"
          + " `cosine`, `repetition`, `exec`] | `answer`"
      ]
    ),
    (
      "[{type: think, pattern: a}]",
      [
        "nodes.graded.rewards[0].pattern: `pattern` has no effect with `type: think` | it has one with `type: regex`"
          + " | Remove it, or say `type: regex`"
      ]
    ),
    (
      "[{type: think}, {type: regex}, {type: regex, pattern: '('}]",
      [
        "nodes.graded.rewards[1]: `pattern` is missing; say what to look for",
        "nodes.graded.rewards[2]: `(` is no regular expression: missing closing parenthesis (at byte 1 of `(`)",
      ]
    ),
    (
      "[{type: cosine, right: [1]}]",
      ["nodes.graded.rewards[0]: `right` has 1 numbers | `cosine` has 2 | write 2 numbers"]
    ),
    (
      "[{type: exec, command: python3 reward.py}]",
      [
        "nodes.graded.rewards[0]: `command` is one word with spaces in it; write a list: `[python3, reward.py]`"
      ]
    ),
    (
      "[{type: exec, command: [DIR/away.sh]}]",
      ["nodes.graded.rewards[0].command[0]: No file or folder `DIR/away.sh`"]
    ),
  ])
  func whatIsSaid(_ rewards: String, _ wanted: [String]) {
    #expect(complaints(rewards) == wanted.map { $0.replacing("DIR", with: folder.path) })
  }

  @Test("Names are types, with numbers where they are taken")
  func names() throws {
    let fields = try fields(load("[{type: answer}, {type: answer}, {type: think, name: answer_2}, {type: answer}]"))
    #expect(fields.names == ["answer", "answer_3", "answer_2", "answer_4"])
  }

  @Test("What files of a command hold is in the key, in their place; other words as they are written")
  func keys() throws {
    let rewards = "[{type: think}, {type: exec, command: [sh, DIR/reward.sh, fast]}]"
    let before = try load(rewards)
    #expect(before.sources.map(\.role) == ["rewards[1].command[1]"])
    try folder.write("exit 1\n", to: "reward.sh")
    let after = try load(rewards)
    #expect(before.planKey != after.planKey)
    let said = after.planPreimage.difference(from: before.planPreimage).map(\.sentence)
    #expect(said.count == 1 && said[0].hasPrefix("Source `rewards[1].command[1]` has other content than before"))
    let slow = try load(rewards.replacing("fast", with: "slow"))
    #expect(
      slow.planPreimage.difference(from: after.planPreimage).map(\.sentence).first?.hasPrefix(
        "Field `rewards[1].command` changed") == true)
  }

  @Test("All of them together")
  func sum() throws {
    let fields = try fields(
      load(
        """
        [{type: answer, weight: 2}, {type: length, maximum: 1, weight: -1, name: brief}, \
        {type: exec, command: [sh, DIR/reward.sh]}]
        """))
    let sources = NodeSources(try fields.sources(of: "rewards"))
    let sum = try fields.sum(of: "rewards", sources, RewardContext(longestCompletion: 4))
    defer { sum.end() }
    let scores = try sum.scores(of: [
      RewardSample(completion: "#### 7", ids: [1], row: JSONObject([("answer", "7")])),
      RewardSample(completion: "#### 7", ids: [1, 2]),
    ])
    #expect(scores.totals == [1.5, 0.5])
    #expect(scores.terms.map(\.name) == ["answer", "brief", "exec"])
    #expect(scores.terms.map(\.weight) == [2, -1, 1])
  }
}
