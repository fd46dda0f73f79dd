/// What one rendering may still do, charged before it is done.
///
/// Whatever grows with the size of a value is charged by what all of them come down to: visits to values (comparing,
/// printing, hashing, building) and characters that are read or made. So no combination of filters, methods and
/// operators does more work, or makes more text, than the budget holds.
final class Budget: @unchecked Sendable {
  // One rendering runs on one thread and no budget leaves it.
  private var steps = Limits.steps
  private var work: Int

  /// The budget of the rendering that runs on this thread; none outside of renderings.
  @TaskLocal static var current: Budget?

  /// A budget for variables with `input` characters.
  init(input: Int) {
    let (extra, overflow) = input.multipliedReportingOverflow(by: Limits.workPerCharacter)
    work = overflow ? .max / 2 : Limits.work + min(extra, .max / 2)
  }

  /// Counts statements and expressions.
  ///
  /// - Throws: ``Fault``, also from ``charge(_:)``.
  func step(_ count: Int) throws {
    steps -= count
    guard steps >= 0 else { throw Fault(.limit, "The rendering takes more than \(Limits.steps) steps") }
  }

  /// Counts characters and values that are about to be read or made.
  func charge(_ amount: Int) throws {
    guard amount <= work else {
      work = 0
      throw Fault(.limit, "The rendering reads and makes too much text: it has no end, or its texts are too large")
    }
    work -= max(amount, 1)
  }

  /// Charges the rendering that runs on this thread.
  static func charge(_ amount: Int) throws { try current?.charge(amount) }
}

extension Value {
  /// What it costs to go over the value once, without what its elements hold.
  var breadth: Int {
    switch self {
    case .string(let text): text.breadth
    case .list(let values), .tuple(let values): values.count
    case .dictionary(let dictionary): dictionary.count
    case .view(let view): view.dictionary.count
    default: 1
    }
  }

  /// The characters of all texts that the value holds.
  var textSize: Int {
    switch self {
    case .string(let text): text.count
    case .list(let values): values.reduce(0) { $0 + $1.textSize }
    case .dictionary(let dictionary): dictionary.entries.reduce(0) { $0 + $1.value.textSize }
    default: 0
    }
  }

  /// Goes over all that a new container holds, so that none is nested deeper than a stack can follow.
  ///
  /// - Returns: How many values there are, those that stand at several places counted at each.
  /// - Throws: ``Fault`` for a value nested too deep or too large.
  @discardableResult
  func weighed(depth: Int = 0) throws -> Int {
    func all(_ values: some Sequence<Value>, _ count: Int) throws -> Int {
      try Budget.charge(count * Limits.slowWork)
      var sum = 1
      for value in values { sum += try value.weighed(depth: depth + 1) }
      return sum
    }
    guard depth <= Limits.nesting else {
      throw Fault(.limit, "The value is nested deeper than \(Limits.nesting) levels")
    }
    switch self {
    case .list(let values), .tuple(let values): return try all(values, values.count)
    case .dictionary(let dictionary): return try all(dictionary.entries.lazy.map(\.value), dictionary.count)
    case .view(let view): return try all(view.dictionary.entries.lazy.map(\.value), view.dictionary.count)
    case .iterator(let iterator): return try all(iterator.rest, iterator.rest.count)
    case .loop(let loop): return try all(loop.items, loop.items.count)
    case .function(let function): return try all(function.holds, function.holds.count)
    case .namespace(let namespace):
      return try all(namespace.attributes.entries.lazy.map(\.value), namespace.attributes.count)
    default: return 1
    }
  }
}
