import PreciseJSON
import Tokenization

/// Where the rows of a dataset file stand, found one after another without reading them.
///
///     var stretches = RowStretches(bytes, shape: shape)
///     while let stretch = stretches.next() { … bytes[stretch.range] … }
///
/// What is not as the shape has it (a comma too many, a bracket that nothing closes) is a last stretch to the end of the
/// file with ``Stretch/problem``. Cost: one pass over the bytes, no memory.
package struct RowStretches {
  /// The bytes of one row.
  package struct Stretch: Sendable, Hashable {
    package var range: Range<Int>
    /// The line where the row starts, from 1.
    package var line: Int
    /// The column where it starts, from 1, in scalars.
    package var column: Int
    /// What was expected here in place of what stands there.
    package var problem: String?
  }

  private let bytes: UnsafeRawBufferPointer
  private let shape: FileShape
  private var scanner: JSONScanner
  /// A position with its line and column; moves forward only.
  private var mark = (position: 0, line: 1, column: 1)
  private var isFirst = true
  private var isFinished = false

  package init(_ bytes: UnsafeRawBufferPointer, shape: FileShape) {
    self.bytes = bytes
    self.shape = shape
    scanner = JSONScanner(bytes, FileShape.markLength(bytes)..<bytes.count)
    mark.position = scanner.index
    switch shape {
    case .list: _ = scanner.take(UInt8(ascii: "["))
    case .wrapped(let member, _):
      var list = scanner.index
      _ = try? scanner.members { key, scanner in
        if key == member { list = scanner.index }
        return false
      }
      scanner.index = list
      _ = scanner.take(UInt8(ascii: "["))
    case .lines, .objects, .texts: break
    }
  }

  /// The next row; nil behind the last one.
  package mutating func next() -> Stretch? {
    guard !isFinished else { return nil }
    switch shape {
    case .lines, .texts: return nextLine()
    case .objects: return nextObject()
    case .list, .wrapped: return nextElement()
    }
  }

  /// The next line that is not blank, without its end; of texts only the empty ones are passed over.
  private mutating func nextLine() -> Stretch? {
    while scanner.index < bytes.count {
      let start = scanner.index
      let lineEnd = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      scanner.index = lineEnd + 1
      let line = mark.line
      mark.line += 1
      let end = lineEnd > start && bytes[lineEnd - 1] == 0x0D ? lineEnd - 1 : lineEnd
      let isBlank = shape == .texts ? start == end : bytes[start..<end].allSatisfy(FileShape.isSpace)
      if !isBlank { return Stretch(range: start..<end, line: line, column: 1) }
    }
    return nil
  }

  private mutating func nextObject() -> Stretch? {
    scanner.skipSpace()
    guard scanner.index < bytes.count else { return nil }
    return value()
  }

  private mutating func nextElement() -> Stretch? {
    if scanner.take(UInt8(ascii: "]")) { return end() }
    if !isFirst, !scanner.take(UInt8(ascii: ",")) { return broken("`,` or `]`") }
    isFirst = false
    scanner.skipSpace()
    return value()
  }

  private mutating func value() -> Stretch {
    let start = scanner.index
    let end = (try? scanner.skipValue())?.upperBound
    if end == nil { isFinished = true }
    return stretch(start..<(end ?? bytes.count))
  }

  /// Behind a list: nothing may follow, but what the list is wrapped in.
  private mutating func end() -> Stretch? {
    isFinished = true
    guard shape == .list else { return nil }
    scanner.skipSpace()
    return scanner.index < bytes.count ? broken("the end of the file") : nil
  }

  private mutating func broken(_ expected: String) -> Stretch {
    isFinished = true
    let start = min(scanner.index, bytes.count)
    return stretch(start..<bytes.count, problem: expected)
  }

  private mutating func stretch(_ range: Range<Int>, problem: String? = nil) -> Stretch {
    for byte in bytes[mark.position..<range.lowerBound] {
      if byte == 0x0A {
        mark.line += 1
        mark.column = 1
      } else if byte & 0xC0 != 0x80 {
        mark.column += 1
      }
    }
    mark.position = range.lowerBound
    return Stretch(range: range, line: mark.line, column: mark.column, problem: problem)
  }
}
