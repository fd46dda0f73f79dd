/// A constant that people may choose: what pipeline files call it, the values it takes, and what it does.
///
/// The nodes make a field of it, with a range, a default and a place on the reference page.
package struct Setting<Owner>: Sendable {
  /// A constant by what it holds, with the numbers it takes.
  package enum Value: Sendable {
    case number(Access<Double>, SettingRange)
    /// Has no default: what holds where it is not given is said in `doc`.
    case optionalNumber(Access<Double?>, SettingRange)
    case count(Access<Int>, SettingRange)
    case optionalCount(Access<Int?>, SettingRange)
    case flag(Access<Bool>)
    /// So many numbers and no others.
    case numbers(Access<[Double]>, SettingRange, count: Int)
    case choice(Access<String>, [String])
    case text(Access<String>)
    case texts(Access<[String]>)
  }

  /// How a constant is read and set.
  package struct Access<Held: Sendable>: Sendable {
    package let get: @Sendable (Owner) -> Held
    package let set: @Sendable (inout Owner, Held) -> Void
  }

  package let name: String
  package let value: Value
  package let unit: String?
  /// Whether it came after its owner was first released: while it has its default no key and no result knows of it.
  package let isLater: Bool
  package let doc: String

  private init(_ name: String, _ value: Value, unit: String?, later: Bool, doc: String) {
    self.name = name
    self.value = value
    self.unit = unit
    isLater = later
    self.doc = doc
  }
}

/// The numbers that a setting takes.
package struct SettingRange: Sendable, Hashable {
  package var lower: Double?
  package var upper: Double?
  package var excludesLower = false
  package var excludesUpper = false

  package static let any = SettingRange()
  package static let share = SettingRange(lower: 0, upper: 1)
  /// From 0 to below 1, as decay rates are.
  package static let decay = SettingRange(lower: 0, upper: 1, excludesUpper: true)
  package static let positive = SettingRange(lower: 0, excludesLower: true)
  package static let negative = SettingRange(upper: 0, excludesUpper: true)
  package static func atLeast(_ lower: Double) -> SettingRange { SettingRange(lower: lower) }

  func contains(_ value: Double) -> Bool {
    guard value.isFinite else { return false }
    if let lower, value < lower || (excludesLower && value == lower) { return false }
    if let upper, value > upper || (excludesUpper && value == upper) { return false }
    return true
  }

  /// The range in words: `numbers from 0 to below 1`.
  var words: String {
    switch (lower, upper) {
    case (nil, nil): "any number"
    case (let lower?, nil): (excludesLower ? "a number above " : "a number of at least ") + text(lower)
    case (nil, let upper?): (excludesUpper ? "a number below " : "a number of at most ") + text(upper)
    case (let lower?, let upper?):
      "a number " + (excludesLower ? "above " : "from ") + text(lower) + (excludesUpper ? " to below " : " to ")
        + text(upper)
    }
  }

  private func text(_ value: Double) -> String { value == value.rounded() ? String(Int(value)) : String(value) }
}

extension Setting {
  package static func number(
    _ name: String, _ property: any WritableKeyPath<Owner, Double> & Sendable, _ range: SettingRange,
    unit: String? = nil, later: Bool = false, doc: String
  ) -> Setting { Setting(name, .number(access(property), range), unit: unit, later: later, doc: doc) }

  package static func number(
    _ name: String, _ property: any WritableKeyPath<Owner, Double?> & Sendable, _ range: SettingRange,
    unit: String? = nil, later: Bool = false, doc: String
  ) -> Setting { Setting(name, .optionalNumber(access(property), range), unit: unit, later: later, doc: doc) }

  package static func count(
    _ name: String, _ property: any WritableKeyPath<Owner, Int> & Sendable, _ range: SettingRange,
    unit: String? = nil, later: Bool = false, doc: String
  ) -> Setting { Setting(name, .count(access(property), range), unit: unit, later: later, doc: doc) }

  package static func count(
    _ name: String, _ property: any WritableKeyPath<Owner, Int?> & Sendable, _ range: SettingRange,
    unit: String? = nil, later: Bool = false, doc: String
  ) -> Setting { Setting(name, .optionalCount(access(property), range), unit: unit, later: later, doc: doc) }

  package static func flag(
    _ name: String, _ property: any WritableKeyPath<Owner, Bool> & Sendable, later: Bool = false, doc: String
  ) -> Setting { Setting(name, .flag(access(property)), unit: nil, later: later, doc: doc) }

  package static func numbers(
    _ name: String, _ property: any WritableKeyPath<Owner, [Double]> & Sendable, _ range: SettingRange, count: Int,
    later: Bool = false, doc: String
  ) -> Setting { Setting(name, .numbers(access(property), range, count: count), unit: nil, later: later, doc: doc) }

  package static func text(
    _ name: String, _ property: any WritableKeyPath<Owner, String> & Sendable, later: Bool = false, doc: String
  ) -> Setting { Setting(name, .text(access(property)), unit: nil, later: later, doc: doc) }

  package static func texts(
    _ name: String, _ property: any WritableKeyPath<Owner, [String]> & Sendable, later: Bool = false, doc: String
  ) -> Setting { Setting(name, .texts(access(property)), unit: nil, later: later, doc: doc) }

  package static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ property: any WritableKeyPath<Owner, Choice> & Sendable, later: Bool = false, doc: String
  ) -> Setting {
    let access = Access<String>(
      get: { $0[keyPath: property].rawValue },
      set: { owner, text in if let choice = Choice(rawValue: text) { owner[keyPath: property] = choice } })
    return Setting(name, .choice(access, Choice.allCases.map(\.rawValue)), unit: nil, later: later, doc: doc)
  }

  private static func access<Held>(_ property: any WritableKeyPath<Owner, Held> & Sendable) -> Access<Held> {
    Access(get: { $0[keyPath: property] }, set: { $0[keyPath: property] = $1 })
  }
}
