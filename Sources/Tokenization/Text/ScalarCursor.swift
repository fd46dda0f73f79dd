/// Valid UTF-8 with the kinds of its scalars at hand, and the rules of ``TextScanner`` over it.
///
/// A rule gives where its match from an index on ends: the index itself when there is none.
struct ScalarCursor {
  let base: UnsafePointer<UInt8>
  let count: Int
  let kinds = ScalarKinds.table

  /// The kinds and the number of bytes of the scalar at `index`, which must be inside.
  @inline(__always)
  private func scalar(at index: Int) -> (kinds: UInt8, length: Int) {
    let first = UInt32(base[index])
    if first < 0x80 { return (kinds[first], 1) }
    let (value, length) = UTF8Text.scalar(at: index, in: UnsafeBufferPointer(start: base, count: count))
    return (kinds[value], length)
  }

  /// Calls `body` with all matches and all that lies between them.
  @inline(__always)
  func forEachPiece(_ body: (Int, Int) -> Void, _ end: (Int) -> Int) {
    var done = 0
    var index = 0
    while index < count {
      let stop = end(index)
      if stop == index {
        index += scalar(at: index).length
        continue
      }
      if done < index { body(done, index) }
      body(index, stop)
      done = stop
      index = stop
    }
    if done < count { body(done, count) }
  }

  // MARK: Runs

  /// The end of the run from `index` on of scalars that are one of `wanted`.
  @inline(__always)
  func run(from index: Int, of wanted: UInt8, limit: Int = .max) -> Int {
    run(from: index, limit: limit) { $0 & wanted != 0 }
  }

  @inline(__always)
  private func run(from index: Int, limit: Int = .max, while holds: (UInt8) -> Bool) -> Int {
    var index = index
    var left = limit
    while index < count, left > 0 {
      let (kinds, length) = scalar(at: index)
      guard holds(kinds) else { break }
      index += length
      left -= 1
    }
    return index
  }

  /// The end of the line ends from `index` on.
  @inline(__always)
  private func lineEnds(from index: Int) -> Int {
    var index = index
    while index < count, isLineEnd(index) { index += 1 }
    return index
  }

  @inline(__always)
  private func isLineEnd(_ index: Int) -> Bool { base[index] == 0x0A || base[index] == 0x0D }

  /// `\s+(?!\S)|\s+`, before it `\s*[\r\n]+` where `endsAtLines`; at `index` is white space.
  @inline(__always)
  private func spaces(from index: Int, endsAtLines: Bool) -> Int {
    var stop = index
    var last = index
    var afterLine = index
    while stop < count {
      let (kinds, length) = scalar(at: stop)
      guard kinds & ScalarKinds.space != 0 else { break }
      last = stop
      stop += length
      if endsAtLines, isLineEnd(last) { afterLine = stop }
    }
    if afterLine > index { return afterLine }
    // What follows keeps the last space, unless there is only one.
    return stop == count || last == index ? stop : last
  }

  // MARK: Rules

  /// ``PreTokenizer/gpt2Expression``.
  @inline(__always)
  func gpt2(_ index: Int) -> Int {
    if base[index] == UInt8(ascii: "'") {
      let stop = contraction(index, ignoresCase: false)
      if stop > index { return stop }
    }
    var start = index
    var (kinds, length) = scalar(at: index)
    if base[index] == 0x20, index + 1 < count {
      start = index + 1
      (kinds, length) = scalar(at: start)
    }
    if kinds & ScalarKinds.letter != 0 { return run(from: start + length, of: ScalarKinds.letter) }
    if kinds & ScalarKinds.number != 0 { return run(from: start + length, of: ScalarKinds.number) }
    if kinds & ScalarKinds.space != 0 { return spaces(from: index, endsAtLines: false) }
    let taken = ScalarKinds.letter | ScalarKinds.number | ScalarKinds.space
    return run(from: start + length) { $0 & taken == 0 }
  }

  /// ``ModelExpressions/llama3`` for `letters` in the place of `\p{L}` where it is repeated, and `digits` in that of 3.
  @inline(__always)
  func words(_ index: Int, letters: UInt8, digits: Int) -> Int {
    if base[index] == UInt8(ascii: "'") {
      let stop = contraction(index, ignoresCase: true)
      if stop > index { return stop }
    }
    let (kinds, length) = scalar(at: index)
    let next = index + length
    if kinds & letters != 0 { return run(from: next, of: letters) }
    if kinds & ScalarKinds.number != 0 { return run(from: index, of: ScalarKinds.number, limit: digits) }
    if next < count, !isLineEnd(index) {
      let (after, afterLength) = scalar(at: next)
      if after & letters != 0 { return run(from: next + afterLength, of: letters) }
    }
    let taken = letters | ScalarKinds.number | ScalarKinds.space
    let start = base[index] == 0x20 ? next : index
    let stop = run(from: start) { $0 & taken == 0 }
    return stop > start ? lineEnds(from: stop) : spaces(from: index, endsAtLines: true)
  }

  /// DeepSeek 3's last expression.
  @inline(__always)
  func deepseekWords(_ index: Int) -> Int {
    let letters = ScalarKinds.letter | ScalarKinds.mark
    let signs = ScalarKinds.punctuation | ScalarKinds.symbol
    let (kinds, length) = scalar(at: index)
    let next = index + length
    if base[index] < 0x80, kinds & signs != 0, next < count, Self.isASCIILetter(base[next]) {
      var stop = next + 1
      while stop < count, Self.isASCIILetter(base[stop]) { stop += 1 }
      return stop
    }
    if kinds & letters != 0 { return run(from: next, of: letters) }
    if kinds & signs == 0, next < count, !isLineEnd(index) {
      let (after, afterLength) = scalar(at: next)
      if after & letters != 0 { return run(from: next + afterLength, of: letters) }
    }
    let start = base[index] == 0x20 ? next : index
    let stop = run(from: start, of: signs)
    if stop > start { return lineEnds(from: stop) }
    return kinds & ScalarKinds.space != 0 ? spaces(from: index, endsAtLines: true) : index
  }

  /// Runs of `[一-龥぀-ゟ゠-ヿ]`.
  @inline(__always)
  func ideographs(_ index: Int) -> Int {
    var stop = index
    while stop < count, base[stop] >= 0xE3 {
      let (value, length) = UTF8Text.scalar(at: stop, in: UnsafeBufferPointer(start: base, count: count))
      guard (0x4E00...0x9FA5).contains(value) || (0x3040...0x30FF).contains(value) else { break }
      stop += length
    }
    return stop
  }

  @inline(__always)
  private static func isASCIILetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

  /// The end of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `index`, where an apostrophe stands.
  private func contraction(_ index: Int, ignoresCase: Bool) -> Int {
    let fold: UInt8 = ignoresCase ? 0x20 : 0
    guard index + 1 < count else { return index }
    let second = base[index + 1] | fold
    switch second {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return index + 2
    // The long s is an s in another case.
    case 0xC5 | fold where ignoresCase && index + 2 < count && base[index + 1] == 0xC5 && base[index + 2] == 0xBF:
      return index + 3
    case UInt8(ascii: "r"), UInt8(ascii: "v"), UInt8(ascii: "l"):
      guard index + 2 < count else { return index }
      let third = second == UInt8(ascii: "l") ? UInt8(ascii: "l") : UInt8(ascii: "e")
      return base[index + 2] | fold == third ? index + 3 : index
    default: return index
    }
  }
}
