/// What tells that an earlier result of a node still holds.
package enum Validity: Sendable {
  /// Its key: all that decides the result is in it, with the answer to a question when there is one.
  case byKey
  case byKeyAnd(VersionQuestion)
  /// Nothing, since what decides the result is not all known: the node runs each time, unless the user says for how long a
  /// result stays good.
  case unknown

  /// What is to be asked before the key is known.
  package var question: VersionQuestion? { if case .byKeyAnd(let question) = self { question } else { nil } }
}
