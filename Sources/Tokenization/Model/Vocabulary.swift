import Glibc

/// The tokens of a model: text by id and id by text, packed into a few flat arrays.
struct Vocabulary: Sendable {
  /// Ids must lie below this, so that a hostile file cannot ask for tables of gigabytes.
  static let idLimit = 1 << 24

  /// The UTF-8 of all tokens, one after the other.
  private var text: [UInt8] = []
  /// Where each id's text starts, and its length; -1 for ids without a token.
  private var starts: [UInt32] = []
  private var lengths: [Int32] = []
  /// Open addressing by the hash of the text.
  private var slots: [Slot] = []

  /// A token as the table of texts knows it: enough to tell most others apart without looking at their texts.
  private struct Slot {
    var hash: UInt32 = 0
    /// -1 is free.
    var id: Int32 = -1
    var start: UInt32 = 0
    var length: Int32 = 0
  }
  private(set) var tokenCount = 0

  enum Collision: Error {
    case token
    case id(first: [UInt8])
  }

  init(expectedTokens: Int, expectedBytes: Int) {
    var capacity = 16
    while capacity < expectedTokens * 2 { capacity *= 2 }
    slots = [Slot](repeating: Slot(), count: capacity)
    text.reserveCapacity(expectedBytes)
    starts.reserveCapacity(expectedTokens)
    lengths.reserveCapacity(expectedTokens)
  }

  /// The greatest id plus 1.
  var idCount: Int { lengths.count }

  /// Adds a token with an id below ``idLimit``.
  mutating func add(_ token: UnsafeBufferPointer<UInt8>, id: Int32) throws(Collision) {
    let index = Int(id)
    if index >= lengths.count {
      let missing = index + 1 - lengths.count
      starts.append(contentsOf: repeatElement(0, count: missing))
      lengths.append(contentsOf: repeatElement(-1, count: missing))
    }
    if lengths[index] >= 0 { throw .id(first: bytes(of: id) ?? []) }
    if tokenCount * 2 >= slots.count { grow() }
    let hash = Self.hash(token)
    let slot = place(of: token, hash)
    if slots[slot].id >= 0 { throw .token }
    slots[slot] = Slot(
      hash: UInt32(truncatingIfNeeded: hash >> 32), id: id, start: UInt32(text.count), length: Int32(token.count))
    starts[index] = UInt32(text.count)
    lengths[index] = Int32(token.count)
    text.append(contentsOf: token)
    tokenCount += 1
  }

  mutating func add(_ token: [UInt8], id: Int32) throws(Collision) {
    // Typed throws do not pass through `withUnsafeBufferPointer` without this detour.
    let result = token.withUnsafeBufferPointer { pointer -> Collision? in
      do throws(Collision) { try add(pointer, id: id) } catch { return error }
      return nil
    }
    if let result { throw result }
  }

  private static func hash(_ token: UnsafeBufferPointer<UInt8>) -> UInt64 {
    guard let base = token.baseAddress else { return 0 }
    return hashBytes(base, token.count)
  }

  /// The slot that holds the token, or the free one where it belongs.
  private func place(of token: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> Int {
    let tag = UInt32(truncatingIfNeeded: hash >> 32)
    return slots.withUnsafeBufferPointer { slots in
      text.withUnsafeBufferPointer { text in
        var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[index].id >= 0 {
          let slot = slots[index]
          if slot.hash == tag, Int(slot.length) == token.count {
            guard let base = token.baseAddress, let known = text.baseAddress else { return index }
            if memcmp(base, known + Int(slot.start), token.count) == 0 { return index }
          }
          index = (index + 1) & (slots.count - 1)
        }
        return index
      }
    }
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Slot(), count: old.count * 2)
    for slot in old where slot.id >= 0 {
      let hash = text.withUnsafeBufferPointer {
        Self.hash(UnsafeBufferPointer(rebasing: $0[Int(slot.start)..<(Int(slot.start) + Int(slot.length))]))
      }
      var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[index].id >= 0 { index = (index + 1) & (slots.count - 1) }
      slots[index] = slot
    }
  }

  func id(of token: UnsafeBufferPointer<UInt8>) -> Int32? {
    let id = slots[place(of: token, Self.hash(token))].id
    return id >= 0 ? id : nil
  }

  func id(of token: [UInt8]) -> Int32? { token.withUnsafeBufferPointer { id(of: $0) } }

  func id(of token: String) -> Int32? {
    var token = token
    return token.withUTF8 { id(of: $0) }
  }

  /// The UTF-8 of a token, nil for an id without one.
  func bytes(of id: Int32) -> [UInt8]? {
    guard id >= 0, Int(id) < lengths.count, lengths[Int(id)] >= 0 else { return nil }
    let start = Int(starts[Int(id)])
    return Array(text[start..<(start + Int(lengths[Int(id)]))])
  }

  /// Appends the UTF-8 of a token; does nothing for an id without one.
  func appendBytes(of id: Int32, to out: inout [UInt8]) {
    guard id >= 0, Int(id) < lengths.count, lengths[Int(id)] >= 0 else { return }
    let start = Int(starts[Int(id)])
    out.append(contentsOf: text[start..<(start + Int(lengths[Int(id)]))])
  }
}
