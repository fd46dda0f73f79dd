/// How stages cut.
extension PreTokenization {
  /// Cuts the pieces whose ranges stand in `scratch`.
  func cut(
    _ text: UnsafeBufferPointer<UInt8>, _ cutter: Cutter, _ behavior: SplitBehavior, isInverted: Bool,
    _ scratch: PieceBuffers
  ) {
    // Held here meanwhile: a class's storage costs a check at every use.
    var next: [(UInt32, UInt32)] = []
    swap(&next, &scratch.next)
    next.removeAll(keepingCapacity: true)
    for (start, end) in scratch.ranges {
      let piece = UnsafeBufferPointer(rebasing: text[Int(start)..<Int(end)])
      if case .scanner(let scanner) = cutter {
        scanner.forEachPiece(of: piece) { next.append((start + UInt32($0), start + UInt32($1))) }
        continue
      }
      if behavior == .isolated {
        // Matches and what lies between them are kept alike.
        var last = 0
        forEachMatch(in: piece, cutter, scratch) { from, to in
          if last < from { next.append((start + UInt32(last), start + UInt32(from))) }
          if from < to { next.append((start + UInt32(from), start + UInt32(to))) }
          last = to
        }
        if last < piece.count { next.append((start + UInt32(last), end)) }
        continue
      }
      scratch.segments.removeAll(keepingCapacity: true)
      var last = 0
      forEachMatch(in: piece, cutter, scratch) { from, to in
        if last < from { scratch.segments.append((last, from, isInverted)) }
        scratch.segments.append((from, to, !isInverted))
        last = to
      }
      if last < piece.count { scratch.segments.append((last, piece.count, isInverted)) }
      join(scratch.segments, behavior, offset: Int(start), into: &next)
    }
    scratch.next = scratch.ranges
    scratch.ranges = next
  }

  /// Turns segments (matches and what lies between) into pieces.
  private func join(
    _ segments: [PieceBuffers.Segment], _ behavior: SplitBehavior, offset: Int, into next: inout [(UInt32, UInt32)]
  ) {
    var pieces: [(from: Int, to: Int)] = []
    var wasMatch = false
    switch behavior {
    case .isolated: pieces = segments.map { ($0.from, $0.to) }
    case .removed: pieces = segments.filter { !$0.isMatch }.map { ($0.from, $0.to) }
    case .contiguous:
      for segment in segments {
        if let last = pieces.indices.last, segment.isMatch == wasMatch {
          pieces[last].to = segment.to
        } else {
          pieces.append((segment.from, segment.to))
        }
        wasMatch = segment.isMatch
      }
    case .mergedWithPrevious:
      for segment in segments {
        if segment.isMatch, !wasMatch, let last = pieces.indices.last {
          pieces[last].to = segment.to
        } else {
          pieces.append((segment.from, segment.to))
        }
        wasMatch = segment.isMatch
      }
    case .mergedWithNext:
      for segment in segments.reversed() {
        if segment.isMatch, !wasMatch, let last = pieces.indices.last {
          pieces[last].from = segment.from
        } else {
          pieces.append((segment.from, segment.to))
        }
        wasMatch = segment.isMatch
      }
      pieces.reverse()
    }
    for piece in pieces where piece.from < piece.to {
      next.append((UInt32(offset + piece.from), UInt32(offset + piece.to)))
    }
  }

  private func forEachMatch(
    in piece: UnsafeBufferPointer<UInt8>, _ cutter: Cutter, _ scratch: PieceBuffers, _ body: (Int, Int) -> Void
  ) {
    switch cutter {
    case .scanner(let scanner): scanner.forEachPiece(of: piece, body)
    case .search(let search):
      search.forEachMatch(in: piece, scratch.matcher) { body($0.lowerBound, $0.upperBound) }
    case .scalars(let set):
      var index = 0
      while index < piece.count {
        let (value, length) = UTF8Text.scalar(at: index, in: piece)
        if set.contains(value) { body(index, index + length) }
        index += length
      }
    case .wordRuns:
      var index = 0
      while index < piece.count {
        let kind = Self.runKind(UTF8Text.scalar(at: index, in: piece).value)
        let start = index
        while index < piece.count {
          let (value, length) = UTF8Text.scalar(at: index, in: piece)
          guard Self.runKind(value) == kind else { break }
          index += length
        }
        if kind != 0 { body(start, index) }
      }
    }
  }

  /// 0 for space, 1 for word characters, 2 for the rest.
  private static func runKind(_ scalar: UInt32) -> Int {
    ScalarSet.word.contains(scalar) ? 1 : ScalarSet.whitespace.contains(scalar) ? 0 : 2
  }
}
