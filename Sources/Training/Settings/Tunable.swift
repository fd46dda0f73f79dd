/// One of several ways to do something, with constants of its own: a schedule, an optimizer.
package protocol Tunable: Sendable {
  /// What pipeline files call it.
  static var name: String { get }
  /// What it is, in words that go on from its name, with the paper or the source of its formula.
  static var doc: String { get }
  /// Its constants; every stored property is one.
  static var settings: [Setting<Self>] { get }

  /// With all defaults.
  init()

  /// What is wrong with constants together, each of which is right; nil when nothing is.
  var problem: String? { get }
}

extension Tunable {
  package var problem: String? { nil }

  /// - Throws: ``TrainingError/setting(name:found:wanted:)`` for the first constant that makes no sense.
  package func validate() throws(TrainingError) {
    for setting in Self.settings {
      guard let wrong = wrong(setting) else { continue }
      throw .setting(name: setting.name, found: wrong.found, wanted: wrong.wanted)
    }
  }

  private func wrong(_ setting: Setting<Self>) -> (found: String, wanted: String)? {
    func wrong(_ values: [Double], _ range: SettingRange, _ found: String) -> (found: String, wanted: String)? {
      values.allSatisfy(range.contains) ? nil : (found, range.words)
    }
    switch setting.value {
    case .number(let access, let range): return wrong([access.get(self)], range, "\(access.get(self))")
    case .optionalNumber(let access, let range):
      return access.get(self).flatMap { wrong([$0], range, "\($0)") }
    case .count(let access, let range): return wrong([Double(access.get(self))], range, "\(access.get(self))")
    case .optionalCount(let access, let range):
      return access.get(self).flatMap { wrong([Double($0)], range, "\($0)") }
    case .numbers(let access, let range, let count):
      let values = access.get(self)
      let found = values.map { "\($0)" }.joined(separator: ", ")
      return values.count == count ? wrong(values, range, found) : (found, "\(count) numbers")
    case .flag, .choice, .text, .texts: return nil
    }
  }
}
