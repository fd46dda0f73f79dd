/// The pre-tokenizers of a tokenizer as a line of stages over one text and the ranges of its pieces.
struct PreTokenization: Sendable {
  /// Finds where a text is cut.
  enum Cutter: Sendable {
    case search(SearchText)
    /// Matches are what the scanner finds; only for pieces that keep matches and what lies between them alike.
    case scanner(TextScanner)
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

  /// Where a text stands in the whole input.
  enum Standing: Sendable {
    /// At the very start.
    case start
    /// After an added token.
    case section
    /// After other text, which ends in this scalar.
    case continued(after: UInt32?)
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
          stages.append(.cut(.scanner(.gpt2), .isolated, isInverted: false))
        }
        alphabetAt = stages.count
        stages.append(.alphabet)
      case .split(let search, let behavior, let isInverted):
        if behavior == .isolated, case .pattern(let pattern) = search, let scanner = pattern.scanner {
          stages.append(.cut(.scanner(scanner), behavior, isInverted: isInverted))
        } else {
          stages.append(.cut(.search(search), behavior, isInverted: isInverted))
        }
      case .digits(individually: true): stages.append(.cut(.scanner(.eachNumeric), .isolated, isInverted: false))
      case .digits(individually: false): stages.append(.cut(.scalars(.numeric), .contiguous, isInverted: false))
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
  @inline(__always)
  func forEachPiece(
    of text: UnsafeBufferPointer<UInt8>, _ standing: Standing, _ scratch: PieceBuffers,
    _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    let start = prefixes(of: text, standing, scratch)
    guard case .cut(.scanner(let scanner), .isolated, _) = stages.last else {
      let current = run(stages[...], text, start, scratch)
      for (start, end) in scratch.ranges {
        body(UnsafeBufferPointer(rebasing: current[Int(start)..<Int(end)]))
      }
      return
    }
    // The usual case: what the last stage finds need not be written down.
    let current = run(stages.dropLast(), text, start, scratch)
    for (start, end) in scratch.ranges {
      let part = UnsafeBufferPointer(rebasing: current[Int(start)..<Int(end)])
      scanner.forEachPiece(of: part) { body(UnsafeBufferPointer(rebasing: part[$0..<$1])) }
    }
  }

  /// Which pieces get what a stage puts before pieces.
  private struct Prefixes {
    /// Whether the piece at the start of the text is one of them.
    var atStart: Bool
    /// Whether the text is the start of the input, where `Metaspace` asks for that.
    var isInputStart: Bool
  }

  private func prefixes(
    of text: UnsafeBufferPointer<UInt8>, _ standing: Standing, _ scratch: PieceBuffers
  ) -> Prefixes {
    switch standing {
    case .start: Prefixes(atStart: true, isInputStart: true)
    case .section: Prefixes(atStart: true, isInputStart: false)
    case .continued(let last): Prefixes(atStart: isCut(before: text, after: last, scratch), isInputStart: false)
    }
  }

  /// Whether the stages before the one that puts prefixes would cut between a scalar and the text after it.
  private func isCut(before text: UnsafeBufferPointer<UInt8>, after last: UInt32?, _ scratch: PieceBuffers) -> Bool {
    let prefixing = stages.firstIndex {
      switch $0 {
      case .prefixSpace, .metaspace: true
      case .cut, .alphabet: false
      }
    }
    guard let prefixing, prefixing > 0, let scalar = last.flatMap(Unicode.Scalar.init) else { return false }
    let before = Array(String(scalar).utf8)
    return (before + text).withUnsafeBufferPointer { joined in
      _ = run(stages[..<prefixing], joined, Prefixes(atStart: false, isInputStart: false), scratch)
      return scratch.ranges.contains { $0.0 == before.count }
    }
  }

  /// Runs stages, which leave the ranges of their pieces in `scratch`; gives the text in which those stand.
  private func run(
    _ stages: ArraySlice<Stage>, _ text: UnsafeBufferPointer<UInt8>, _ prefixes: Prefixes, _ scratch: PieceBuffers
  ) -> UnsafeBufferPointer<UInt8> {
    scratch.reset(count: text.count)
    var current = text
    for stage in stages {
      switch stage {
      case .cut(let cutter, let behavior, let isInverted):
        cut(current, cutter, behavior, isInverted: isInverted, scratch)
      case .prefixSpace:
        current = scratch.rewrite(current) { piece, start, out in
          if piece.first != 0x20, start > 0 || prefixes.atStart { out.append(0x20) }
          out.append(contentsOf: piece)
        }
      case .metaspace(let replacement, let scheme):
        current = scratch.rewrite(current) { piece, start, out in
          let from = out.count
          for byte in piece {
            if byte == 0x20 { out.append(contentsOf: replacement) } else { out.append(byte) }
          }
          let wanted =
            switch scheme {
            case .always: start > 0 || prefixes.atStart
            case .first: start == 0 && prefixes.isInputStart
            case .never: false
            }
          if wanted, !out[from...].starts(with: replacement) { out.insert(contentsOf: replacement, at: from) }
        }
      case .alphabet:
        current = scratch.rewrite(current) { piece, _, out in
          for byte in piece { ByteLevelAlphabet.append(byte, to: &out) }
        }
      }
    }
    return current
  }
}
