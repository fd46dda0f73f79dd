/// When a field or an input of a node type has an effect: other fields of the same map decide.
///
///     Field("beta", \.beta, in: .above(0), for: .when("stage", ["dpo", "kto"]), doc: "…")
///
/// Where the condition does not hold the field is not read, not in the key and not in jobs, and giving it is an error.
/// Several fields may have one name when no two of their conditions can hold at once.
package struct FieldCondition: Sendable, Hashable {
  /// What one other field must hold.
  package enum Term: Sendable, Hashable {
    /// The field, a choice or a truth value, has one of these values; a list has one of them among its elements.
    case value(of: String, in: [String])
    /// The field is not given; `because` says why both together make no sense.
    case absence(of: String, because: String?)

    package var field: String {
      switch self {
      case .value(let field, _), .absence(let field, _): field
      }
    }
  }

  /// What is known about a condition while fields are read.
  enum Verdict {
    case holds
    case fails(Term)
    /// It hangs on a field whose value could not be read.
    case undecided

    var holds: Bool { if case .holds = self { true } else { false } }
    var isUndecided: Bool { if case .undecided = self { true } else { false } }
    var isFailed: Bool { if case .fails = self { true } else { false } }
  }

  /// All of them must hold; a field that a term names has no terms of its own but some of those before it.
  package let terms: [Term]

  /// The field `field` of the same map has one of `values`.
  package static func when(_ field: String, _ values: [String]) -> FieldCondition {
    FieldCondition(terms: [.value(of: field, in: values)])
  }

  /// The field `field` of the same map is not given.
  ///
  /// - Parameter reason: Why it makes this one pointless, for the message; such as "the folder's own settings hold".
  package static func without(_ field: String, because reason: String? = nil) -> FieldCondition {
    FieldCondition(terms: [.absence(of: field, because: reason)])
  }

  /// Both conditions, this one first.
  package func and(_ other: FieldCondition?) -> FieldCondition {
    FieldCondition(terms: terms + (other?.terms ?? []).filter { !terms.contains($0) })
  }

  /// - Parameters:
  ///   - unreadable: Names of fields that are given and could not be read.
  ///   - texts: The text of a field's value, of a list all elements', none of numbers; nil when it is not given.
  func verdict(unreadable: Set<String> = [], _ texts: (String) -> [String]?) -> Verdict {
    var isUndecided = false
    for term in terms {
      if unreadable.contains(term.field) {
        isUndecided = true
        continue
      }
      let found = texts(term.field)
      let holds =
        switch term {
        case .value(_, let values): found?.contains(where: values.contains) ?? false
        case .absence: found == nil
        }
      if !holds { return .fails(term) }
    }
    return isUndecided ? .undecided : .holds
  }

  /// Whether it holds for fields whose texts are given.
  package func holds(_ texts: (String) -> [String]?) -> Bool { verdict(texts).holds }

  /// Whether both can never hold at once.
  func excludes(_ other: FieldCondition) -> Bool {
    terms.contains { term in
      other.terms.contains { other in
        guard term.field == other.field else { return false }
        return switch (term, other) {
        case (.value(_, let first), .value(_, let second)): !first.contains(where: second.contains)
        case (.absence, .absence): false
        default: true
        }
      }
    }
  }
}

extension FieldCondition {
  /// The condition in words: ``with `stage: dpo` or `kto` and without `from` ``.
  package var words: String { Self.words(terms) }

  static func words(_ terms: [Term]) -> String {
    terms.map { term in
      switch term {
      case .absence(let field, _): "without `\(field)`"
      case .value(let field, let values):
        "with " + Self.alternatives(values.enumerated().map { $0 == 0 ? "`\(field): \($1)`" : "`\($1)`" })
      }
    }.joined(separator: " and ")
  }

  /// Several conditions of which one must hold, in words.
  static func words(_ conditions: [FieldCondition]) -> String {
    let single = conditions.map { condition -> (field: String, values: [String])? in
      guard condition.terms.count == 1, case .value(let field, let values) = condition.terms[0] else { return nil }
      return (field, values)
    }
    if let field = single.first??.field, single.allSatisfy({ $0?.field == field }) {
      var values: [String] = []
      for value in single.flatMap({ $0?.values ?? [] }) where !values.contains(value) { values.append(value) }
      return words([.value(of: field, in: values)])
    }
    return conditions.map(\.words).joined(separator: ", or ")
  }

  private static func alternatives(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }
}

extension CanonicalValue {
  /// What conditions compare: the texts of a value, of a list all elements'; none of numbers.
  var conditionTexts: [String] {
    switch self {
    case .text(let text): [text]
    case .bool(let value): [value ? "true" : "false"]
    case .list(let values): values.flatMap(\.conditionTexts)
    default: []
    }
  }
}

extension FieldSet {
  /// What is known about a condition.
  ///
  /// - Parameter unreadable: Names of fields that are given and could not be read.
  static func verdict(
    of condition: FieldCondition?, in set: Self, unreadable: Set<String> = []
  ) -> FieldCondition.Verdict {
    condition?.verdict(unreadable: unreadable) { texts(of: $0, in: set) } ?? .holds
  }

  /// The fields that have an effect, in the order of their declaration.
  static func applicable(in set: Self) -> [Field<Self>] {
    fields.filter { verdict(of: $0.condition, in: set).holds }
  }

  /// The texts of the field of a name that has an effect; nil where there is none or it is not given.
  static func texts(of name: String, in set: Self) -> [String]? {
    fields.first { $0.name == name && verdict(of: $0.condition, in: set).holds }?.value(set)?.conditionTexts
  }
}
