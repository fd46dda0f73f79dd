/// Names the process that makes a temporary file, inside the file's name: whoever finds the file later can tell on the
/// same machine whether its maker still lives, without reading anything.
///
/// The text is `<place>-<boot>-<process>-<started>`: machine and name space of process numbers, and the start of the
/// machine, both as eight hexadecimal digits; then the process's number and its start time in clock ticks since boot.
package struct ProcessTag: Sendable, Hashable {
  private let place: Substring
  private let boot: Substring
  private let process: Int
  private let started: Substring

  /// This process.
  package static let current = ProcessTag(.current())

  private init(_ owner: LeaseOwner) {
    place = Digest(of: "\(owner.host)\n\(owner.space)".utf8).hex.prefix(8)
    boot = Digest(of: owner.boot.utf8).hex.prefix(8)
    process = owner.process
    started = owner.started[...]
  }

  /// The tag that a name ends with; nil for names that were given by somebody else.
  package init?(endOf name: String) {
    let fields = name.split(separator: "-", omittingEmptySubsequences: false).suffix(4)
    guard fields.count == 4, fields.prefix(2).allSatisfy({ $0.utf8.count == 8 }),
      let process = Int(fields[fields.startIndex + 2]), process > 0
    else { return nil }
    place = fields[fields.startIndex]
    boot = fields[fields.startIndex + 1]
    self.process = process
    started = fields[fields.startIndex + 3]
  }

  package var text: String { "\(place)-\(boot)-\(process)-\(started)" }

  /// Whether the process is one that this one could see.
  var isOfThisMachine: Bool { place == Self.current.place }

  /// Whether the process is certainly gone.
  ///
  /// A process of another machine is never certainly gone.
  package var isGone: Bool {
    guard isOfThisMachine else { return false }
    return boot != Self.current.boot || LeaseOwner.isGone(process, startedAt: String(started))
  }
}

/// A name for a temporary file that no other process or thread uses, and that says which process made it.
package func temporaryName() -> String { "\(uniqueName())-\(ProcessTag.current.text)" }
