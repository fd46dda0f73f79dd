/// The pre-tokenizers of a tokenizer as a line of stages over one text and the ranges of its pieces.
struct PreTokenization: Sendable {
  /// Finds where a text is cut.
  enum Cutter: Sendable {
    case search(SearchText)
    /// Every scalar of the set is a match.
    case scalars(ScalarSet)
    /// Runs of word characters and runs of what is neither word nor space are matches.
    case wordRuns
  }

  enum Stage: Sendable {
    case cut(Cutter, SplitBehavior, isInverted: Bool)
    /// Puts a space before every piece that does not start with one.
    case prefixSpace
    case metaspace(replacement: [UInt8], PrependScheme)
    /// Writes every byte as its scalar in GPT-2's alphabet.
    case alphabet
  }

  let stages: [Stage]
  /// Whether pieces are bytes to look up through GPT-2's alphabet.
  let isByteLevel: Bool
  /// Whether the pieces that come out are already written in GPT-2's alphabet, because stages follow `ByteLevel`.
  let endsInAlphabet: Bool

  init(_ root: PreTokenizer?) throws {
    var stages: [Stage] = []
    var alphabetAt: Int?
    for step in root?.flattened ?? [] {
      switch step {
      case .sequence: break
      case .byteLevel(let addsPrefixSpace, let usesPattern):
        if addsPrefixSpace { stages.append(.prefixSpace) }
        if usesPattern {
          stages.append(.cut(.search(.pattern(try Pattern(PreTokenizer.gpt2Expression))), .isolated, isInverted: false))
        }
        alphabetAt = stages.count
        stages.append(.alphabet)
      case .split(let search, let behavior, let isInverted):
        stages.append(.cut(.search(search), behavior, isInverted: isInverted))
      case .digits(let individually):
        stages.append(.cut(.scalars(.numeric), individually ? .isolated : .contiguous, isInverted: false))
      case .punctuation(let behavior): stages.append(.cut(.scalars(.punctuation), behavior, isInverted: false))
      case .whitespace: stages.append(.cut(.wordRuns, .removed, isInverted: true))
      case .whitespaceSplit: stages.append(.cut(.scalars(.whitespace), .removed, isInverted: false))
      case .metaspace(let replacement, let scheme, let splits):
        let bytes = Array(String(replacement).utf8)
        stages.append(.metaspace(replacement: bytes, scheme))
        if splits { stages.append(.cut(.search(.literal(bytes)), .mergedWithNext, isInverted: false)) }
      }
    }
    isByteLevel = alphabetAt != nil
    // The usual case: nothing follows, and the pieces can stay bytes.
    let isLast = alphabetAt == stages.count - 1
    if isLast { stages.removeLast() }
    endsInAlphabet = isByteLevel && !isLast
    self.stages = stages
  }

  /// Calls `body` with every piece of `text`, in order.
  ///
  /// - Parameter startsInput: Whether the text is at the very start of what is encoded (`Metaspace` asks).
  func forEachPiece(
    of text: UnsafeBufferPointer<UInt8>, startsInput: Bool, _ scratch: PieceBuffers,
    _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    scratch.reset(count: text.count)
    var current = text
    for stage in stages {
      switch stage {
      case .cut(let cutter, let behavior, let isInverted):
        cut(current, cutter, behavior, isInverted: isInverted, scratch)
      case .prefixSpace:
        current = scratch.rewrite(current) { piece, _, out in
          if piece.first != 0x20 { out.append(0x20) }
          out.append(contentsOf: piece)
        }
      case .metaspace(let replacement, let scheme):
        current = scratch.rewrite(current) { piece, start, out in
          let from = out.count
          for byte in piece {
            if byte == 0x20 { out.append(contentsOf: replacement) } else { out.append(byte) }
          }
          let wanted = scheme == .always || (scheme == .first && startsInput && start == 0)
          if wanted, !out[from...].starts(with: replacement) { out.insert(contentsOf: replacement, at: from) }
        }
      case .alphabet:
        current = scratch.rewrite(current) { piece, _, out in
          for byte in piece { ByteLevelAlphabet.append(byte, to: &out) }
        }
      }
    }
    for (start, end) in scratch.ranges {
      body(UnsafeBufferPointer(rebasing: current[Int(start)..<Int(end)]))
    }
  }

  private func cut(
    _ text: UnsafeBufferPointer<UInt8>, _ cutter: Cutter, _ behavior: SplitBehavior, isInverted: Bool,
    _ scratch: PieceBuffers
  ) {
    scratch.next.removeAll(keepingCapacity: true)
    for (start, end) in scratch.ranges {
      let piece = UnsafeBufferPointer(rebasing: text[Int(start)..<Int(end)])
      scratch.segments.removeAll(keepingCapacity: true)
      if behavior == .isolated {
        // Matches and what lies between them are kept alike.
        var last = 0
        forEachMatch(in: piece, cutter, scratch) { from, to in
          if last < from { scratch.next.append((start + UInt32(last), start + UInt32(from))) }
          if from < to { scratch.next.append((start + UInt32(from), start + UInt32(to))) }
          last = to
        }
        if last < piece.count { scratch.next.append((start + UInt32(last), end)) }
        continue
      }
      var last = 0
      forEachMatch(in: piece, cutter, scratch) { from, to in
        if last < from { scratch.segments.append((last, from, isInverted)) }
        scratch.segments.append((from, to, !isInverted))
        last = to
      }
      if last < piece.count { scratch.segments.append((last, piece.count, isInverted)) }
      join(scratch, behavior, offset: Int(start))
    }
    swap(&scratch.ranges, &scratch.next)
  }

  /// Turns segments (matches and what lies between) into pieces.
  private func join(_ scratch: PieceBuffers, _ behavior: SplitBehavior, offset: Int) {
    var pieces: [(from: Int, to: Int)] = []
    var wasMatch = false
    switch behavior {
    case .isolated: pieces = scratch.segments.map { ($0.from, $0.to) }
    case .removed: pieces = scratch.segments.filter { !$0.isMatch }.map { ($0.from, $0.to) }
    case .contiguous:
      for segment in scratch.segments {
        if let last = pieces.indices.last, segment.isMatch == wasMatch {
          pieces[last].to = segment.to
        } else {
          pieces.append((segment.from, segment.to))
        }
        wasMatch = segment.isMatch
      }
    case .mergedWithPrevious:
      for segment in scratch.segments {
        if segment.isMatch, !wasMatch, let last = pieces.indices.last {
          pieces[last].to = segment.to
        } else {
          pieces.append((segment.from, segment.to))
        }
        wasMatch = segment.isMatch
      }
    case .mergedWithNext:
      for segment in scratch.segments.reversed() {
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
      scratch.next.append((UInt32(offset + piece.from), UInt32(offset + piece.to)))
    }
  }

  private func forEachMatch(
    in piece: UnsafeBufferPointer<UInt8>, _ cutter: Cutter, _ scratch: PieceBuffers, _ body: (Int, Int) -> Void
  ) {
    switch cutter {
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

/// Buffers that cutting a text into pieces needs, for one thread at a time.
final class PieceBuffers {
  let matcher = PatternMatcher()
  fileprivate(set) var ranges: [(UInt32, UInt32)] = []
  fileprivate var next: [(UInt32, UInt32)] = []
  fileprivate var segments: [(from: Int, to: Int, isMatch: Bool)] = []

  fileprivate func reset(count: Int) {
    ranges.removeAll(keepingCapacity: true)
    if count > 0 { ranges.append((0, UInt32(count))) }
  }

  /// Writes every piece anew, by `body(piece, start of the piece, output)`, and makes the outputs the pieces.
  fileprivate func rewrite(
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
