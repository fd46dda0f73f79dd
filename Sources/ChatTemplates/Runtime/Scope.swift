/// The variables of one block, inside those of the block around it.
final class Scope: @unchecked Sendable {
  // One rendering runs on one thread and no scope leaves it.
  private let parent: Scope?
  private var entries: [(name: Int, value: Value)] = []

  init(in parent: Scope?) { self.parent = parent }

  func clear() { entries = [] }

  subscript(name: Int) -> Value? {
    var scope: Scope? = self
    while let here = scope {
      for entry in here.entries where entry.name == name { return entry.value }
      scope = here.parent
    }
    return nil
  }

  /// Sets a variable of this block; one of the same name further out is hidden.
  func set(_ name: Int, _ value: Value) {
    for i in entries.indices where entries[i].name == name {
      entries[i].value = value
      return
    }
    entries.append((name, value))
  }
}
