import PreciseJSON

/// Sixty-four bits of a record as `load_dataset` wrote it, by which it is held out or not.
///
/// It travels with what becomes of the record, since that depends on templates.
package struct RecordHash: Sendable, Hashable {
  package let value: UInt64

  /// - Parameter line: The record's canonical line.
  package init(line: String) { value = stableHash(line, salt: "split") }

  /// The hash of a record: a prompt falls on the same side whatever travels along with it.
  ///
  /// - Parameter line: The record's canonical line.
  package init(of record: Record, line: String) {
    if case .prompt(let prompt, .some) = record {
      self.init(line: Record.prompt(prompt).json.text())
    } else {
      self.init(line: line)
    }
  }

  /// Sixteen hexadecimal digits.
  var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Reads what ``text`` wrote; nil for anything else.
  init?(text: String) {
    guard text.utf8.count == 16, let value = UInt64(text, radix: 16) else { return nil }
    self.value = value
  }
}
