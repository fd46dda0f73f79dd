import Glibc

/// Finds added tokens in a text: the leftmost first, of those the longest, as HF's Aho-Corasick automaton does.
///
/// A tree over the bytes of the tokens; the scan jumps from one possible first byte to the next.
struct AddedTokenFinder: Sendable {
  private struct Node {
    var children: [(byte: UInt8, node: Int32)] = []
    var token: Int32 = -1
  }

  private var nodes: [Node] = [Node()]
  private var startsToken = [Bool](repeating: false, count: 256)
  /// The first byte of all tokens, when they share one: the usual case is `<`.
  private let onlyStart: UInt8?
  private let tokens: [AddedToken]

  /// - Parameter tokens: Each with the bytes it is looked for by. Of equal bytes the first token counts.
  init(_ tokens: [(token: AddedToken, bytes: [UInt8])]) {
    self.tokens = tokens.map(\.token)
    let starts = Set(tokens.compactMap(\.bytes.first))
    onlyStart = starts.count == 1 ? starts.first : nil
    for (index, entry) in tokens.enumerated() {
      guard let first = entry.bytes.first else { continue }
      startsToken[Int(first)] = true
      var node = 0
      for byte in entry.bytes {
        if let child = nodes[node].children.first(where: { $0.byte == byte }) {
          node = Int(child.node)
        } else {
          nodes[node].children.append((byte, Int32(nodes.count)))
          node = nodes.count
          nodes.append(Node())
        }
      }
      if nodes[node].token < 0 { nodes[node].token = Int32(index) }
    }
  }

  var isEmpty: Bool { tokens.isEmpty }

  /// The longest token that starts at `index`: its place in `tokens` and its end.
  private func longest(at index: Int, in text: UnsafeBufferPointer<UInt8>) -> (token: Int, end: Int)? {
    var found: (token: Int, end: Int)?
    var node = 0
    var position = index
    while position < text.count {
      let byte = text[position]
      guard let child = nodes[node].children.first(where: { $0.byte == byte }) else { break }
      node = Int(child.node)
      position += 1
      if nodes[node].token >= 0 { found = (Int(nodes[node].token), position) }
    }
    return found
  }

  /// The first index from `start` on at which a token may start; the count when there is none.
  private func nextStart(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    guard start < text.count, let base = text.baseAddress else { return text.count }
    if let only = onlyStart {
      guard let found = memchr(base + start, Int32(only), text.count - start) else { return text.count }
      return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
    return startsToken.withUnsafeBufferPointer { startsToken in
      var index = start
      while index < text.count, !startsToken[Int(text[index])] { index += 1 }
      return index
    }
  }

  /// Calls `gap` with the stretches between added tokens and `token` with the ids of those, in order.
  ///
  /// - Parameters:
  ///   - position: Where the text stands, and then where what follows it does.
  ///   - gap: Also gets whether an added token, or nothing, is right before the stretch.
  func split(
    _ text: UnsafeBufferPointer<UInt8>, _ position: inout TextContext.Position,
    gap: (Range<Int>, _ isFresh: Bool) -> Void, token: (Int32) -> Void
  ) {
    guard !text.isEmpty else { return }
    let last = position.last
    position.last = UTF8Text.scalar(at: UTF8Text.start(before: text.count, in: text), in: text).value
    var done = position.takesWhitespace ? whitespaceEnd(in: text, from: 0) : 0
    var index = 0
    while true {
      index = nextStart(in: text, from: index)
      guard index < text.count else { break }
      guard let match = longest(at: index, in: text) else {
        index += 1
        continue
      }
      let added = tokens[match.token]
      var start = index
      var stop = match.end
      // A match that the next test throws away still uses up its text.
      index = match.end
      if added.isSingleWord, touchesWord(text, start, stop, before: last) { continue }
      if added.stripsLeft {
        while start > done {
          let before = UTF8Text.start(before: start, in: text)
          guard ScalarSet.whitespace.contains(UTF8Text.scalar(at: before, in: text).value) else { break }
          start = before
        }
        start = max(start, done)
      }
      if added.stripsRight { stop = whitespaceEnd(in: text, from: stop) }
      if done < start { gap(done..<start, position.isFresh) }
      token(added.id)
      position.isFresh = true
      position.takesWhitespace = added.stripsRight
      done = stop
    }
    guard done < text.count else { return }
    gap(done..<text.count, position.isFresh)
    position.isFresh = false
    position.takesWhitespace = false
  }

  /// The end of the white space that starts at `start`.
  private func whitespaceEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var end = start
    while end < text.count {
      let (value, length) = UTF8Text.scalar(at: end, in: text)
      guard ScalarSet.whitespace.contains(value) else { break }
      end += length
    }
    return end
  }

  /// - Parameter before: The scalar before the text.
  private func touchesWord(
    _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ stop: Int, before: UInt32?
  ) -> Bool {
    let before = start > 0 ? UTF8Text.scalar(at: UTF8Text.start(before: start, in: text), in: text).value : before
    if let before, ScalarSet.word.contains(before) { return true }
    return stop < text.count && ScalarSet.word.contains(UTF8Text.scalar(at: stop, in: text).value)
  }
}
