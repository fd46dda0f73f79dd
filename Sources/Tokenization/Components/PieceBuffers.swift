/// Buffers that cutting a text into pieces needs, for one thread at a time.
final class PieceBuffers {
  let matcher = PatternMatcher()
  var ranges: [(UInt32, UInt32)] = []
  var next: [(UInt32, UInt32)] = []
  typealias Segment = (from: Int, to: Int, isMatch: Bool)
  var segments: [Segment] = []

  func reset(count: Int) {
    ranges.removeAll(keepingCapacity: true)
    if count > 0 { ranges.append((0, UInt32(count))) }
  }

  /// Writes every piece anew, by `body(piece, start of the piece, output)`, and makes the outputs the pieces.
  func rewrite(
    _ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>, Int, inout [UInt8]) -> Void
  ) -> UnsafeBufferPointer<UInt8> {
    var out: [UInt8] = []
    out.reserveCapacity(text.count * 2)
    for index in ranges.indices {
      let (start, end) = ranges[index]
      let from = out.count
      body(UnsafeBufferPointer(rebasing: text[Int(start)..<Int(end)]), Int(start), &out)
      ranges[index] = (UInt32(from), UInt32(out.count))
    }
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, out.count))
    _ = copy.update(fromContentsOf: out)
    rewritten.append(copy)
    return UnsafeBufferPointer(rebasing: copy[..<out.count])
  }

  /// Texts that `rewrite` made, freed by ``release()``.
  private var rewritten: [UnsafeMutableBufferPointer<UInt8>] = []

  /// Frees what a text needed beyond the buffers that stay.
  func release() {
    for buffer in rewritten { buffer.deallocate() }
    rewritten.removeAll(keepingCapacity: true)
  }

  deinit { release() }
}
