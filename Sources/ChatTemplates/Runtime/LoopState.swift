/// The special variable `loop` of a `for` loop.
final class LoopState: @unchecked Sendable {
  // One rendering runs on one thread and no loop leaves it.
  let items: [Value]
  var index = 0
  private let depth: Int
  private var lastChecked: [Value]?

  init(_ items: [Value], depth: Int) {
    self.items = items
    self.depth = depth
  }

  /// The attribute `name`, nil when there is none.
  func attribute(_ name: String) -> Value? {
    switch name {
    case "index": .int(index + 1)
    case "index0": .int(index)
    case "revindex": .int(items.count - index)
    case "revindex0": .int(items.count - index - 1)
    case "first": .bool(index == 0)
    case "last": .bool(index == items.count - 1)
    case "length": .int(items.count)
    case "depth": .int(depth + 1)
    case "depth0": .int(depth)
    case "previtem": index > 0 ? items[index - 1] : .undefined(Undefined(words: "There is no previous item"))
    case "nextitem":
      index + 1 < items.count ? items[index + 1] : .undefined(Undefined(words: "There is no next item"))
    case "cycle":
      .function(
        Function("loop.cycle", holds: [.loop(self)]) { [self] _, arguments in
          guard !arguments.positional.isEmpty else { throw Fault("`loop.cycle` needs at least one argument") }
          return arguments.positional[index % arguments.positional.count]
        })
    case "changed":
      .function(
        Function("loop.changed", holds: [.loop(self)]) { [self] _, arguments in
          let isSame = try lastChecked.map { try Value.equal(.tuple($0), .tuple(arguments.positional)) } ?? false
          lastChecked = arguments.positional
          return .bool(!isSame)
        })
    default: nil
    }
  }
}
