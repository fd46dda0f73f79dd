import Glibc

/// The tokens of a model: text by id and id by text, packed into a few flat arrays.
struct Vocabulary: Sendable {
  /// Ids must lie below this, so that a hostile file cannot ask for tables of gigabytes.
  static let idLimit = 1 << 24

  /// The UTF-8 of all tokens, one after the other.
  private var text: [UInt8] = []
  /// Where the text of each id stands.
  private var places: [Place] = []
  /// Open addressing by the hash of the text.
  private var slots: [Slot] = []

  /// The text of an id.
  private struct Place {
    var start: UInt32 = 0
    /// -1 for an id without a token.
    var length: Int32 = -1
  }

  /// A token as the table of texts knows it: enough to tell most others apart without looking at their texts.
  private struct Slot {
    var hash: UInt32 = 0
    /// -1 is free.
    var id: Int32 = -1
  }
  private(set) var tokenCount = 0

  enum Collision: Error {
    case token
    case id(first: [UInt8])
  }

  init(expectedTokens: Int, expectedBytes: Int) {
    var capacity = 16
    while capacity * 2 < expectedTokens * 3 { capacity *= 2 }
    slots = [Slot](repeating: Slot(), count: capacity)
    text.reserveCapacity(expectedBytes)
    places.reserveCapacity(expectedTokens)
  }

  /// The greatest id plus 1.
  var idCount: Int { places.count }

  /// Adds a token with an id below ``idLimit``.
  mutating func add(_ token: UnsafeBufferPointer<UInt8>, id: Int32) throws(Collision) {
    let index = Int(id)
    if index == places.count {
      places.append(Place())
    } else if index > places.count {
      places.append(contentsOf: repeatElement(Place(), count: index + 1 - places.count))
    }
    if places[index].length >= 0 { throw .id(first: bytes(of: id) ?? []) }
    if tokenCount * 3 >= slots.count * 2 { grow() }
    let hash = Self.hash(token)
    let slot = slot(of: token, hash)
    if slots[slot].id >= 0 { throw .token }
    slots[slot] = Slot(hash: UInt32(truncatingIfNeeded: hash >> 32), id: id)
    places[index] = Place(start: UInt32(text.count), length: Int32(token.count))
    text.append(contentsOf: token)
    tokenCount += 1
  }

  mutating func add(_ token: String, id: Int32) throws(Collision) {
    var token = token
    // Typed throws do not pass through `withUTF8` without this detour.
    let result = token.withUTF8 { pointer -> Collision? in
      do throws(Collision) { try add(pointer, id: id) } catch { return error }
      return nil
    }
    if let result { throw result }
  }

  @inline(__always)
  private static func hash(_ token: UnsafeBufferPointer<UInt8>) -> UInt64 {
    guard let base = token.baseAddress else { return 0 }
    return hashBytes(base, token.count)
  }

  /// The slot that holds the token, or the free one where it belongs.
  @inline(__always)
  private func slot(of token: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> Int {
    let tag = UInt32(truncatingIfNeeded: hash >> 32)
    return slots.withUnsafeBufferPointer { slots in
      var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[index].id >= 0 {
        if slots[index].hash == tag, hasText(slots[index].id, token) { return index }
        index = (index + 1) & (slots.count - 1)
      }
      return index
    }
  }

  /// Whether a token that is there has this text.
  @inline(__always)
  private func hasText(_ id: Int32, _ token: UnsafeBufferPointer<UInt8>) -> Bool {
    let place = places[Int(id)]
    guard Int(place.length) == token.count else { return false }
    return text.withUnsafeBufferPointer { text in
      guard let base = token.baseAddress, let known = text.baseAddress else { return token.isEmpty }
      return memcmp(base, known + Int(place.start), token.count) == 0
    }
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Slot(), count: old.count * 2)
    for slot in old where slot.id >= 0 {
      let place = places[Int(slot.id)]
      let hash = text.withUnsafeBufferPointer {
        Self.hash(UnsafeBufferPointer(rebasing: $0[Int(place.start)..<(Int(place.start) + Int(place.length))]))
      }
      var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[index].id >= 0 { index = (index + 1) & (slots.count - 1) }
      slots[index] = slot
    }
  }

  func id(of token: UnsafeBufferPointer<UInt8>) -> Int32? {
    let id = slots[slot(of: token, Self.hash(token))].id
    return id >= 0 ? id : nil
  }

  func id(of token: [UInt8]) -> Int32? { token.withUnsafeBufferPointer { id(of: $0) } }

  func id(of token: String) -> Int32? {
    var token = token
    return token.withUTF8 { id(of: $0) }
  }

  /// Whether the text of a token is `left` and `right` joined.
  func isToken(_ id: Int32, _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let place = place(of: id), place.count == left.count + right.count else { return false }
    guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return false }
    return text.withUnsafeBufferPointer { text in
      guard let known = text.baseAddress.map({ $0 + place.lowerBound }) else { return false }
      return memcmp(known, leftBase, left.count) == 0 && memcmp(known + left.count, rightBase, right.count) == 0
    }
  }

  /// Where a token stands in `text`, nil for an id without one.
  private func place(of id: Int32) -> Range<Int>? {
    guard id >= 0, Int(id) < places.count, places[Int(id)].length >= 0 else { return nil }
    let start = Int(places[Int(id)].start)
    return start..<(start + Int(places[Int(id)].length))
  }

  /// The UTF-8 of a token, nil for an id without one.
  func bytes(of id: Int32) -> [UInt8]? { place(of: id).map { Array(text[$0]) } }

  /// Runs `body` with the UTF-8 of a token; does nothing for an id without one.
  func withBytes(of id: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    guard let place = place(of: id) else { return }
    text.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[place])) }
  }

  /// Appends the UTF-8 of a token; does nothing for an id without one.
  func appendBytes(of id: Int32, to out: inout [UInt8]) {
    if let place = place(of: id) { out.append(contentsOf: text[place]) }
  }
}
