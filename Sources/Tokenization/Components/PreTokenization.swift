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
  ///
  /// - Parameter startsInput: Whether the text is at the very start of what is encoded (`Metaspace` asks).
  @inline(__always)
  func forEachPiece(
    of text: UnsafeBufferPointer<UInt8>, startsInput: Bool, _ scratch: PieceBuffers,
    _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    guard case .cut(.scanner(let scanner), .isolated, _) = stages.last else {
      let current = run(stages[...], text, startsInput: startsInput, scratch)
      for (start, end) in scratch.ranges {
        body(UnsafeBufferPointer(rebasing: current[Int(start)..<Int(end)]))
      }
      return
    }
    // The usual case: what the last stage finds need not be written down.
    let current = run(stages.dropLast(), text, startsInput: startsInput, scratch)
    for (start, end) in scratch.ranges {
      let part = UnsafeBufferPointer(rebasing: current[Int(start)..<Int(end)])
      scanner.forEachPiece(of: part) { body(UnsafeBufferPointer(rebasing: part[$0..<$1])) }
    }
  }

  /// Runs stages, which leave the ranges of their pieces in `scratch`; gives the text in which those stand.
  private func run(
    _ stages: ArraySlice<Stage>, _ text: UnsafeBufferPointer<UInt8>, startsInput: Bool, _ scratch: PieceBuffers
  ) -> UnsafeBufferPointer<UInt8> {
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
    return current
  }
}
