/// Finds whether a key stands among the members of an object that is being read, by bytes.
///
/// Few members are compared one by one; from ``threshold`` on their hashes are kept in an open-addressing table. Cost of
/// a question: O(key).
struct KeyTable {
  static let threshold = 16

  /// The index of a member plus one, zero where free; the count is a power of two and at least twice the members'.
  private var slots: [Int32] = []
  /// The members that are in `slots`.
  private var filled = 0

  /// Whether `key` is among `members`, which grow by one between two questions.
  mutating func has(_ key: String, in members: [(key: String, value: JSON)]) -> Bool {
    if members.count < Self.threshold { return members.contains { $0.key.hasSameBytes(as: key) } }
    if slots.count < 2 * (members.count + 1) {
      slots = [Int32](repeating: 0, count: max(4 * Self.threshold, 2 * slots.count))
      filled = 0
    }
    while filled < members.count {
      let (slot, _) = find(members[filled].key, members)
      filled += 1
      slots[slot] = Int32(truncatingIfNeeded: filled)
    }
    return find(key, members).isFound
  }

  private func find(_ key: String, _ members: [(key: String, value: JSON)]) -> (slot: Int, isFound: Bool) {
    // Seeded anew in every process, so that no file can be made of colliding keys.
    var hasher = Hasher()
    if key.utf8.withContiguousStorageIfAvailable({ hasher.combine(bytes: UnsafeRawBufferPointer($0)) }) == nil {
      for byte in key.utf8 { hasher.combine(byte) }
    }
    var slot = hasher.finalize() & (slots.count - 1)
    while slots[slot] != 0 {
      if members[Int(slots[slot]) - 1].key.hasSameBytes(as: key) { return (slot, true) }
      slot = (slot + 1) & (slots.count - 1)
    }
    return (slot, false)
  }
}
