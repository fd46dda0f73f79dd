import ChatTemplates
import PreciseJSON
import TokenShards
import Tokenization

/// What happens to rows longer than the limit.
package enum Overlong: String, Sendable, CaseIterable {
  case error
  case drop
  case truncate
}

/// Turns the rendered records of a group into token rows.
package struct GroupTokenizer: Sendable {
  package struct Options: Sendable, Hashable {
    /// The most tokens of a row.
    package var maxLength: Int
    package var overlong: Overlong
    /// Whether several samples share a row.
    package var packs: Bool
    /// Whether samples fill rows to the last token and are cut there, so that none is too long; see ``filled(_:capacity:)``.
    package var fills = false
    package var split: ValidationSplit
    /// Whether rows of which nothing is learned, and pairs without a difference, are given as well, for a look at them.
    package var keepsUseless = false

    package init(maxLength: Int, overlong: Overlong, packs: Bool, split: ValidationSplit) {
      self.maxLength = maxLength
      self.overlong = overlong
      self.packs = packs
      self.split = split
    }
  }

  /// The rows of a group.
  package struct Result: Sendable {
    package var train: [TokenRow]
    package var validation: [TokenRow]
    package var report: TokenizeReport
  }

  private let tokenizer: Tokenizer
  private let options: Options
  /// Put at the end of texts, which no template ends.
  private let endOfText: Int32?

  package init(tokenizer: Tokenizer, options: Options) {
    self.tokenizer = tokenizer
    self.options = options
    endOfText = tokenizer.specialTokens.eos?.id
  }

  /// - Parameters:
  ///   - lines: The canonical lines of the group's rendered records.
  ///   - isText: Whether the records are plain texts, which get the tokenizer's own special tokens around them.
  ///   - firstRow: The number of the group's first record in the dataset, for messages.
  ///   - threads: How many threads encode at once.
  /// - Throws: ``DatasetErrors`` naming all rows that are too long where `overlong` is `error`, or prompts that it would
  ///   have to cut, and all pairs whose
  ///   answers are the same tokens, or on which a pattern of the tokenizer gives up.
  package func tokenize(lines: [String], isText: Bool, firstRow: Int, file: String, threads: Int = 1) throws -> Result {
    var report = TokenizeReport()
    var train: [TokenRow] = []
    var validation: [TokenRow] = []
    var collector = ProblemCollector()
    let records = concurrentMap(lines, threads: threads) { line in
      Swift.Result { try encoded(line, isText: isText, file: file) }
    }
    for (index, record) in records.enumerated() {
      try collector.collect {
        let encoded: Encoded
        let hash: RecordHash
        let source: String?
        do { (encoded, hash, source) = try record.get() } catch let error as TokenizerError {
          throw DatasetError(.notTokenized(error), file: file, row: firstRow + index)
        }
        report.records += 1
        guard !encoded.hasEqualAnswers else {
          throw DatasetError(.equalAnswers, file: file, row: firstRow + index)
        }
        var row: TokenRow
        if encoded.count > options.maxLength, !options.fills {
          switch options.overlong {
          case .truncate where encoded.isPrompt:
            throw DatasetError(
              .promptTooLong(tokens: encoded.count, limit: options.maxLength), file: file, row: firstRow + index)
          case .error:
            throw DatasetError(
              .tooLong(tokens: encoded.count, limit: options.maxLength), file: file, row: firstRow + index)
          case .drop:
            report.droppedRecords += 1
            return
          case .truncate: row = encoded.truncated(to: options.maxLength, &report)
          }
        } else {
          row = encoded.row
        }
        if let source { for index in row.sequences.indices { row.sequences[index].source = source } }
        guard row.sequences.allSatisfy({ $0.labelCount > 0 || $0.role == .prompt }), !row.sequences.isEmpty else {
          report.recordsWithoutLabels += 1
          if options.keepsUseless { train.append(row) }
          return
        }
        if row.sequences.count == 2, row.sequences[0].ids == row.sequences[1].ids {
          report.pairsWithoutDifference += 1
          if options.keepsUseless { train.append(row) }
          return
        }
        if options.split.holdsOut(hash) { validation.append(row) } else { train.append(row) }
      }
    }
    try collector.throwIfAny()
    if options.fills {
      train = fill(train, &report)
      validation = fill(validation, &report)
    } else if options.packs {
      train = pack(train)
      validation = pack(validation)
    }
    for row in train { report.train.add(row) }
    for row in validation { report.validation.add(row) }
    return Result(train: train, validation: validation, report: report)
  }

  private func encoded(_ line: String, isText: Bool, file: String) throws -> (Encoded, RecordHash, source: String?) {
    guard let (record, hash, source) = RenderedRecord.read(line: try JSON(parsing: line, file: file)) else {
      throw DatasetError(.damagedGroup(reason: "a line is not a rendered record"), file: file)
    }
    let encoded = try Encoded(record) { text, context in
      isText ? try encodeText(text) : try tokenizer.encode(text, after: &context)
    } weights: {
      try tokenWeights(of: $0, in: $1, tokenizer)
    }
    return (encoded, hash, source)
  }

  private func encodeText(_ text: String) throws -> [Int32] {
    var ids = try tokenizer.encode(document: text)
    if let endOfText, ids.last != endOfText { ids.append(endOfText) }
    return ids
  }

  private func fill(_ rows: [TokenRow], _ report: inout TokenizeReport) -> [TokenRow] {
    let samples = rows.flatMap(\.sequences)
    let filled = filled(samples, capacity: options.maxLength)
    report.cuts += filled.reduce(0) { $0 + $1.sequences.count } - samples.count
    return filled
  }

  /// All but samples stay rows of their own: the two sequences of a pair belong together, and judged answers and prompts
  /// are counted one by one.
  private func pack(_ rows: [TokenRow]) -> [TokenRow] {
    guard rows.allSatisfy({ $0.sequences.count == 1 && $0.sequences[0].role == .sample }) else { return rows }
    return packed(lengths: rows.map(\.tokenCount), capacity: options.maxLength).map { samples in
      TokenRow(samples.flatMap { rows[$0].sequences })
    }
  }
}
