/// The tokens of a model: text by id and id by text, packed into a few flat arrays.
struct Vocabulary: Sendable {
  /// Ids must lie below this, so that a hostile file cannot ask for tables of gigabytes.
  static let idLimit = 1 << 24

  /// The UTF-8 of all tokens, one after the other.
  private var text: [UInt8] = []
  /// Where each id's text starts, and its length; -1 for ids without a token.
  private var starts: [UInt32] = []
  private var lengths: [Int32] = []
  /// Open addressing by the hash of the text; -1 is free.
  private var slots: [Int32] = []
  private(set) var tokenCount = 0

  enum Collision: Error {
    case token
    case id(first: [UInt8])
  }

  init(expectedTokens: Int, expectedBytes: Int) {
    var capacity = 16
    while capacity < expectedTokens * 2 { capacity *= 2 }
    slots = [Int32](repeating: -1, count: capacity)
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
    var slot = self.slot(of: token)
    while slots[slot] >= 0 {
      if isText(token, of: slots[slot]) { throw .token }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = id
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

  private func slot(of token: UnsafeBufferPointer<UInt8>) -> Int {
    guard let base = token.baseAddress else { return 0 }
    return Int(truncatingIfNeeded: hashBytes(base, token.count)) & (slots.count - 1)
  }

  private func isText(_ token: UnsafeBufferPointer<UInt8>, of id: Int32) -> Bool {
    guard Int(lengths[Int(id)]) == token.count else { return false }
    return text.withUnsafeBufferPointer { text in
      let start = Int(starts[Int(id)])
      for index in 0..<token.count where text[start + index] != token[index] { return false }
      return true
    }
  }

  private mutating func grow() {
    let ids = slots.filter { $0 >= 0 }
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for id in ids {
      let start = Int(starts[Int(id)])
      var slot = text.withUnsafeBufferPointer {
        self.slot(of: UnsafeBufferPointer(rebasing: $0[start..<(start + Int(lengths[Int(id)]))]))
      }
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = id
    }
  }

  func id(of token: UnsafeBufferPointer<UInt8>) -> Int32? {
    var slot = slot(of: token)
    while slots[slot] >= 0 {
      if isText(token, of: slots[slot]) { return slots[slot] }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
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
