import Diagnostics
import Pipeline
import Rewards
import Training

/// A reward function among others: `{type: length, maximum: 200, weight: 0.2}`.
///
/// A stage that learns from rollouts declares a list of them as a field, names their files as its sources and makes one
/// function of all:
///
///     Field("rewards", \.rewards, doc: RewardField.listDoc)
///     static func conflicts(_ fields: Fields) -> [Inference.Conflict] { fields.rewards.conflicts(at: "rewards") }
///     static func sources(_ fields: Fields) throws -> [SourceRequest] { try fields.rewards.sources(of: "rewards") }
///     let rewards = try fields.rewards.sum(of: "rewards", context.sources, RewardContext(longestCompletion: 256))
package struct RewardField: TunableGroup {
  var type = ""
  var weight = 1.0
  var name: String?
  var constants: [String: any Tunable] = [:]

  package init() {}

  static var kinds: [any Tunable.Type] { rewardKinds }
  package static let listDoc = "What a completion is worth: the sum of what these functions give, times their weights"

  package static let fields: [Field<Self>] =
    [
      Field(
        "type", get: { $0.type.isEmpty ? nil : $0.type }, set: { $0.type = $1 ?? "" },
        kind: .choice(kinds.map { $0.name }), required: true, doc: typeDoc),
      Field("weight", \.weight, doc: "How much it counts; below zero it is a punishment"),
      Field("name", \.name, doc: "What measures call it; its type unless given, with a number where that is taken"),
    ] + constantFields

  fileprivate var settings: any RewardKind { chosen as? any RewardKind ?? AnswerReward() }
}

extension [RewardField] {
  /// What measures call each: its name, or its type, with a number where another has it.
  package var names: [String] {
    var names: [String] = []
    for field in self {
      let wanted = field.name ?? field.type
      var (name, number) = (wanted, 1)
      while field.name == nil, names.contains(name) || contains(where: { $0.name == name }) {
        number += 1
        name = "\(wanted)_\(number)"
      }
      names.append(name)
    }
    return names
  }

  /// The columns of a row that the functions read.
  package var columns: [String] {
    flatMap(\.settings.columns).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// What is wrong with the functions and with their names, each at its place in the list.
  package func conflicts(at port: String) -> [Inference.Conflict] {
    var conflicts = enumerated().flatMap { index, field in field.conflicts(at: "\(port)[\(index)]") }
    let names = names
    for (index, name) in names.enumerated() {
      if let first = names[..<index].firstIndex(of: name) {
        conflicts.append(
          .init(
            port: "\(port)[\(index)].name", "Two reward functions are called `\(name)`",
            reason: "number \(first + 1) of the list is called so too", advice: "give one of them another `name`"))
      }
      if name.isEmpty || !name.utf8.allSatisfy(Self.isNameByte) {
        conflicts.append(
          .init(
            port: "\(port)[\(index)].name", "`\(name)` is no name of a measure",
            reason: "one has letters, digits, `_` and `-`"))
      }
    }
    return conflicts
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  /// The files that commands name, by their places in the list: what they hold decides the rewards.
  ///
  /// A program that is named by a path is one, and every argument that is the path of a file.
  package func sources(of port: String) throws -> [SourceRequest] {
    try enumerated().flatMap { index, field -> [SourceRequest] in
      try field.command.enumerated().compactMap { place, word in
        let isFile = try place == 0 ? word.contains("/") : pathKind(word) == .file
        return isFile ? SourceRequest(role: Self.role(port, index, place), path: word, kind: .file) : nil
      }
    }
  }

  /// All functions as one, which holds processes until it is ended.
  ///
  /// - Parameter sources: Those of the node, with what ``sources(of:)`` asked for.
  package func sum(of port: String, _ sources: NodeSources, _ context: RewardContext) throws -> RewardSum {
    let names = names
    return RewardSum(
      try enumerated().map { index, field in
        var field = field
        field.command = field.command.enumerated().map { place, word in
          sources[Self.role(port, index, place)] ?? word
        }
        return try field.term(names[index], context)
      })
  }

  private static func role(_ port: String, _ index: Int, _ place: Int) -> String {
    "\(port)[\(index)].command[\(place)]"
  }
}

extension RewardField {
  fileprivate func term(_ name: String, _ context: RewardContext) throws -> RewardTerm {
    RewardTerm(name, weight: weight, try settings.function(in: context))
  }

  /// The command of a program that is asked; empty for other types.
  fileprivate var command: [String] {
    get { (chosen as? ExecReward)?.command ?? [] }
    set {
      guard var settings = chosen as? ExecReward else { return }
      settings.command = newValue
      constants[ExecReward.name] = settings
    }
  }
}
