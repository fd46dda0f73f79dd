import Diagnostics

extension FieldDecoder {
  /// Reads the pairs of a map that are named as fields of a set; those first that decide which others have an effect.
  ///
  /// Reports fields that have none and are given.
  mutating func read<Fields: FieldSet>(_ pairs: [LocatedValue.Pair], into set: inout Fields) {
    var waiting = pairs.filter { pair in Fields.fields.contains { $0.name == pair.key.text } }
    for depth in 0...(Fields.fields.map(\.depth).max() ?? 0) {
      var later: [LocatedValue.Pair] = []
      for pair in waiting {
        let field = Fields.fields.first {
          $0.depth == depth && $0.name == pair.key.text
            && Fields.verdict(of: $0.condition, in: set, unreadable: scope.unreadable).holds
        }
        if let field { read(field, pair, into: &set) } else { later.append(pair) }
      }
      waiting = later
    }
    for pair in waiting { readIdle(pair, in: set) }
  }

  mutating func read<Fields: FieldSet>(
    _ field: Field<Fields>, _ pair: LocatedValue.Pair, into fields: inout Fields
  ) {
    path.append(field.name)
    defer { path.removeLast() }
    let (problems, metBroken) = (errorCount, metBrokenValue)
    metBrokenValue = false
    // A required field is Optional in the struct only because it has no default: nothing is no value for it.
    if pair.value.isNull, !field.takesNull {
      report(.noValue(name: field.name, wanted: field.kind.wanted), pair.value)
    } else {
      if !pair.value.isNull { written.insert(writtenName()) }
      field.read(pair.value, &fields, &self)
    }
    if errorCount > problems || metBrokenValue { scope.unreadable.insert(field.name) }
    metBrokenValue = metBrokenValue || metBroken
  }

  /// A field that is given where none of its name has an effect, as far as is known.
  private mutating func readIdle<Fields: FieldSet>(_ pair: LocatedValue.Pair, in set: Fields) {
    let fields = Fields.fields.filter { $0.name == pair.key.text }
    let verdicts = fields.map { Fields.verdict(of: $0.condition, in: set, unreadable: scope.unreadable) }
    if verdicts.contains(where: \.isUndecided) {
      // What it hangs on is wrong and reported; its own value may be wrong too.
      guard fields.count == 1 else { return }
      var scratch = set
      read(fields[0], pair, into: &scratch)
    } else if !(pair.value.isNull && fields.contains(where: \.takesNull)) {
      reportNoEffect(pair.key, fields.compactMap(\.condition), verdicts) { Fields.texts(of: $0, in: set) }
    }
  }

  /// Reports a field or input that is given where its conditions do not hold.
  ///
  /// - Parameter verdicts: One a condition; none holds.
  mutating func reportNoEffect(
    _ key: LocatedValue.Key, _ conditions: [FieldCondition], _ verdicts: [FieldCondition.Verdict],
    _ texts: (String) -> [String]?
  ) {
    // The condition that is nearest to holding: the one of which most terms do.
    let failing = zip(conditions, verdicts).compactMap {
      condition, verdict -> (place: Int, term: FieldCondition.Term)? in
      guard case .fails(let term) = verdict else { return nil }
      return (condition.terms.firstIndex(of: term) ?? 0, term)
    }
    guard let nearest = failing.max(by: { $0.place < $1.place })?.term else { return }
    let isGiven = written.contains(writtenName(nearest.field))
    let problem = LanguageProblem.noEffect(
      key.text, conditions, failing: nearest, found: texts(nearest.field), isGiven: isGiven)
    path.append(key.text)
    diagnostics.append(problem.diagnostic(at: key.mark, path: pathText))
    path.removeLast()
  }

  /// Reports required fields that have an effect and are missing from `owner`; its mark is where that is said.
  mutating func reportMissing<Fields: FieldSet>(in fields: Fields, at owner: LocatedValue) {
    guard case .map(let pairs) = owner.content else { return }
    for field in Fields.fields
    where field.isRequired && !scope.suggested.contains(field.name)
      && !pairs.contains(where: { $0.key.text == field.name })
      && Fields.verdict(of: field.condition, in: fields, unreadable: scope.unreadable).holds
    {
      diagnostics.append(
        LanguageProblem.missingField(field.name, doc: field.doc).diagnostic(at: owner.mark, path: pathText))
    }
  }
}

extension FieldSet {
  /// The fields that have no effect, with the conditions under which they would have one.
  static func idleNames(in set: Self) -> [FieldDecoder.IdleName] {
    let applicable = Self.applicable(in: set).map(\.name)
    return FieldDecoder.IdleName.all(fields.map { ($0.name, $0.condition) }, but: applicable)
  }
}

extension FieldDecoder.IdleName {
  /// Names that are not among those that have an effect.
  static func all(_ names: [(name: String, condition: FieldCondition?)], but applicable: [String]) -> [Self] {
    var idle: [Self] = []
    for (name, _) in names where !applicable.contains(name) && !idle.contains(where: { $0.name == name }) {
      idle.append(Self(name: name, conditions: names.filter { $0.name == name }.compactMap(\.condition)))
    }
    return idle
  }
}
