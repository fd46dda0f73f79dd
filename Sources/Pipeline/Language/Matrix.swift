import Diagnostics

/// `matrix`: the values that some params take, one after the other; each combination of them is a member.
///
/// `grid` combines every value of its params with every one of the others, `list` gives rows of values, `seeds` the values of
/// the param `seed`; what `except` describes is left out.
struct Matrix {
  static let keys = ["grid", "list", "seeds", "except"]
  static let limit = 1000

  /// The params that take several values, in the order of the file.
  private(set) var names: [String] = []
  /// The values of each member, in the order of ``names``.
  private(set) var members: [[LocatedValue]] = []
  private(set) var problems: [Diagnostic] = []

  /// Whether the command line changed it.
  private let isChanged: Bool

  /// One value after the other of some params.
  private struct Axis {
    var keys: [LocatedValue.Key]
    var rows: [[LocatedValue]]
  }

  /// - Parameters:
  ///   - value: What stands at `matrix`.
  ///   - params: The names of the pipeline's params.
  ///   - isChanged: Whether the command line changed it.
  init(_ value: LocatedValue, key: LocatedValue.Key, params: [String], isChanged: Bool) {
    self.isChanged = isChanged
    guard case .map(let pairs) = value.content else {
      report(.topLevelKind("matrix", wanted: "a map", found: value.kindWords), at: value.mark, "matrix")
      return
    }
    var axes: [Axis] = []
    var exceptions: LocatedValue?
    for pair in pairs {
      switch pair.key.text {
      case "grid": axes += grid(pair.value)
      case "list": axes += list(pair.value).map { [$0] } ?? []
      case "seeds": axes += seeds(pair.value).map { [$0] } ?? []
      case "except": exceptions = pair.value
      default:
        report(
          .unknownMatrixKey(pair.key.text, among: Self.keys), at: pair.key.mark, "matrix.\(pair.key.text)")
      }
    }
    for key in axes.flatMap(\.keys) {
      if names.contains(key.text) {
        report(.matrixTwice(key.text), at: key.mark, "matrix")
      } else {
        names.append(key.text)
        if !params.contains(key.text) { report(.unknownParam(key.text, among: params), at: key.mark, "matrix") }
      }
    }
    let count = axes.reduce(1) {
      $0.multipliedReportingOverflow(by: $1.rows.count).overflow ? .max : $0 * $1.rows.count
    }
    if axes.isEmpty, problems.isEmpty { report(.emptyMatrix, at: key.mark, "matrix") }
    if count > Self.limit { report(.largeMatrix(count, limit: Self.limit), at: key.mark, "matrix") }
    guard problems.isEmpty else { return }
    members = axes.reduce([[]]) { members, axis in members.flatMap { member in axis.rows.map { member + $0 } } }
    if let exceptions {
      leaveOut(exceptions)
      if members.isEmpty, !problems.hasErrors { report(.allExcepted, at: exceptions.mark, "matrix.except") }
    }
    var seen: Set<[String]> = []
    for member in members where !seen.insert(member.map(\.text)).inserted {
      report(.sameMembers(zip(names, member).map { "\($0): \($1.text)" }), at: member.last?.mark ?? key.mark, "matrix")
      break
    }
  }

  private mutating func report(_ problem: LanguageProblem, at mark: Mark, _ path: String) {
    problems.append(problem.diagnostic(at: mark, path: path))
  }

  private mutating func grid(_ value: LocatedValue) -> [Axis] {
    guard case .map(let pairs) = value.content, !pairs.isEmpty else {
      report(
        .topLevelKind("grid", wanted: "a map of params and lists of values", found: value.kindWords), at: value.mark,
        "matrix.grid")
      return []
    }
    return pairs.compactMap { pair in
      guard case .list(let items) = pair.value.content, !items.isEmpty else {
        report(
          .topLevelKind(pair.key.text, wanted: "a list of values", found: pair.value.kindWords), at: pair.value.mark,
          "matrix.grid.\(pair.key.text)")
        return nil
      }
      return Axis(keys: [pair.key], rows: items.map { [$0] })
    }
  }

  private mutating func list(_ value: LocatedValue) -> Axis? {
    guard case .list(let rows) = value.content, let first = rows.first, !first.pairs.isEmpty else {
      report(.topLevelKind("list", wanted: "a list of maps", found: value.kindWords), at: value.mark, "matrix.list")
      return nil
    }
    let names = first.pairs.map(\.key.text)
    var found: [[LocatedValue]] = []
    for (index, row) in rows.enumerated() {
      let values = names.compactMap { row[$0] }
      guard values.count == names.count, row.pairs.count == names.count else {
        report(
          .otherRow(index + 1, wanted: names, found: row.pairs.map(\.key.text)), at: row.mark, "matrix.list[\(index)]")
        continue
      }
      found.append(values)
    }
    return Axis(keys: first.pairs.map(\.key), rows: found)
  }

  private mutating func seeds(_ value: LocatedValue) -> Axis? {
    let key = LocatedValue.Key(text: "seed", mark: value.mark)
    switch value.content {
    case .list(let items) where !items.isEmpty: return Axis(keys: [key], rows: items.map { [$0] })
    case .scalar(let scalar):
      if let count = Int(scalar.text), (1...Self.limit).contains(count) {
        let numbers = (1...count).map {
          LocatedValue(.scalar(LocatedValue.Scalar(text: String($0), isPlain: true)), at: value.mark)
        }
        return Axis(keys: [key], rows: numbers.map { [$0] })
      }
    default: break
    }
    report(
      .topLevelKind("seeds", wanted: "a number from 1 to \(Self.limit), or a list of seeds", found: value.kindWords),
      at: value.mark, "matrix.seeds")
    return nil
  }

  /// Takes away the members that have all values of a row.
  private mutating func leaveOut(_ value: LocatedValue) {
    guard case .list(let rows) = value.content, !rows.contains(where: \.pairs.isEmpty) else {
      report(.topLevelKind("except", wanted: "a list of maps", found: value.kindWords), at: value.mark, "matrix.except")
      return
    }
    for (index, row) in rows.enumerated() {
      var places: [(place: Int, text: String)] = []
      for pair in row.pairs {
        guard let place = names.firstIndex(of: pair.key.text) else {
          report(
            .unknownParam(pair.key.text, among: names), at: pair.key.mark, "matrix.except[\(index)].\(pair.key.text)")
          continue
        }
        places.append((place, pair.value.text))
      }
      guard places.count == row.pairs.count else { continue }
      let before = members.count
      members.removeAll { member in places.allSatisfy { member[$0.place].text == $0.text } }
      if members.count == before {
        report(.idleException(isChanged: isChanged), at: row.mark, "matrix.except[\(index)]")
      }
    }
  }
}
