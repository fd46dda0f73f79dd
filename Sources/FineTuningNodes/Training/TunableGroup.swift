import Pipeline
import Training

/// A group of fields whose `type` chooses one of several kinds, each with constants of its own:
/// `optimizer: {type: lion, betas: [0.9, 0.99]}`.
protocol TunableGroup: FieldGroup {
  /// The kinds there are, in the order of the reference page.
  static var kinds: [any Tunable.Type] { get }

  var type: String { get set }
  /// The constants of kinds, by their names; those of others are the defaults.
  var constants: [String: any Tunable] { get set }
}

extension TunableGroup {
  /// The kind that is chosen, with its constants.
  var chosen: any Tunable { constants[type] ?? Self.kinds.first { $0.name == type }?.init() ?? Self.kinds[0].init() }

  /// What the kinds are, for the field `type`.
  static var typeDoc: String { kinds.map { "`\($0.name)` \($0.doc)" }.joined(separator: "; ") }

  /// The constants of all kinds, each where its kind is chosen.
  static var constantFields: [Field<Self>] { kinds.flatMap { fields(of: $0) } }

  private static func fields<Kind: Tunable>(of _: Kind.Type) -> [Field<Self>] {
    Kind.settings.map { setting in
      switch setting.value {
      case .number(let access, let range): field(setting, access, range.numbers)
      case .optionalNumber(let access, let range): field(setting, access, range.numbers)
      case .count(let access, let range): field(setting, access, range.wholeNumbers)
      case .optionalCount(let access, let range): field(setting, access, range.wholeNumbers)
      case .flag(let access): field(setting, access)
      case .numbers(let access, let range, _): field(setting, access, range.numbers)
      case .choice(let access, let names): field(setting, access, kind: .choice(names))
      case .text(let access): field(setting, access)
      case .texts(let access): field(setting, access)
      }
    }
  }

  private static func field<Kind: Tunable, Value: FieldValue>(
    _ setting: Setting<Kind>, _ access: Setting<Kind>.Access<Value>, _ range: NumberRange? = nil,
    kind: FieldKind = Value.kind
  ) -> Field<Self> {
    Field(
      setting.name, get: { access.get($0.constants[Kind.name] as? Kind ?? Kind()) },
      set: { group, value in
        var own = group.constants[Kind.name] as? Kind ?? Kind()
        access.set(&own, value)
        group.constants[Kind.name] = own
      },
      kind: kind, in: range, unit: setting.unit, since: setting.isLater ? Birth(default: access.get(Kind())) : nil,
      for: .when("type", [Kind.name]), doc: setting.doc)
  }

  /// What is wrong with the constants of the kind that is chosen, which no range tells.
  func conflicts(at port: String) -> [Inference.Conflict] {
    let chosen = chosen
    var conflicts = Self.counts(chosen).map { name, found, wanted in
      Inference.Conflict(
        port: port, "`\(name)` has \(found) numbers", reason: "`\(type)` has \(wanted)",
        advice: "write \(wanted) numbers")
    }
    if let problem = chosen.problem { conflicts.append(.init(port: port, problem)) }
    return conflicts
  }

  private static func counts<Kind: Tunable>(_ kind: Kind) -> [(name: String, found: Int, wanted: Int)] {
    Kind.settings.compactMap { setting in
      guard case .numbers(let access, _, let wanted) = setting.value else { return nil }
      let found = access.get(kind).count
      return found == wanted ? nil : (setting.name, found, wanted)
    }
  }
}

extension SettingRange {
  fileprivate var numbers: NumberRange { range { .number($0) } }
  fileprivate var wholeNumbers: NumberRange { range { .integer(Int($0)) } }

  private func range(_ bound: (Double) -> NumberRange.Bound) -> NumberRange {
    NumberRange(
      lower: lower.map(bound), upper: upper.map(bound), excludesLower: excludesLower, excludesUpper: excludesUpper)
  }
}
