import Diagnostics

/// What is wrong with a matrix.
extension LanguageProblem {
  var matrixWords: Words? {
    switch self {
    case .unknownMatrixKey(let key, let names):
      Words(
        "unknown-key", "Unknown key `\(key)`", why: "`matrix` has \(Self.list(names))",
        try: nearestName(to: key, among: names).map { "`\($0)`" } ?? "Params and their values stand under `grid`")
    case .matrixTwice(let name):
      Words("bad-matrix", "Param `\(name)` takes its values from two places of `matrix`", try: "Keep one of them")
    case .emptyMatrix:
      Words(
        "bad-matrix", "`matrix` has no members", try: "Give `grid`, `list` or `seeds`, or leave `matrix` out")
    case .allExcepted:
      Words("bad-matrix", "`except` leaves no member of `matrix`", try: "Take rows out of `except`")
    case .largeMatrix(let count, let limit):
      Words("bad-matrix", "`matrix` has \(count) members, at most \(limit) are possible")
    case .sameMembers(let values):
      Words("bad-matrix", "Two members of `matrix` are the same: \(values.joined(separator: ", "))")
    case .otherRow(let number, let wanted, let found):
      Words(
        "bad-matrix", "Row \(number) of `list` gives \(Self.list(found))",
        why: "the first one gives \(Self.list(wanted))",
        try: "Give the same params in each row")
    case .idleException(let isChanged):
      isChanged
        ? Words(
          "bad-matrix", "This row of `except` leaves nothing out",
          why: "no member has these values, since `--set` changed the matrix"
        ).asWarning()
        : Words("bad-matrix", "This row of `except` leaves nothing out", why: "no member has these values")
    case .idleMatrixParam(let name):
      Words(
        "bad-matrix", "Param `\(name)` of `matrix` reaches no node", why: "its members would all be the same",
        try: "Use `${\(name)}` in a node, or take it out of `matrix`")
    default: nil
    }
  }
}
