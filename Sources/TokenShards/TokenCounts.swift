import PreciseJSON

/// How much a token shard, or a set of them, holds.
package struct TokenCounts: Sendable, Hashable {
  package var rows = 0
  package var sequences = 0
  package var tokens = 0
  /// Tokens that are predicted and trained on.
  package var labels = 0
  /// Tokens of the longest sequence.
  package var longestSequence = 0
  /// Tokens of the longest row.
  package var longestRow = 0
  /// Answers that were judged to be wanted, and not to be.
  package var wanted = 0
  package var unwanted = 0
  /// Prompts that are yet to be answered.
  package var prompts = 0
  /// Labels that count something else than 1.
  package var weighted = 0
  /// Labels of each source, by its name; of rows that have one.
  package var sources: [String: Int] = [:]

  package init() {}

  package mutating func add(_ row: TokenRow) {
    rows += 1
    sequences += row.sequences.count
    tokens += row.tokenCount
    labels += row.labelCount
    longestRow = max(longestRow, row.tokenCount)
    for sequence in row.sequences {
      longestSequence = max(longestSequence, sequence.ids.count)
      if let source = sequence.source { sources[source, default: 0] += sequence.labelCount }
      weighted += zip(sequence.weights, sequence.lossMask).dropFirst().count { $0.1 && $0.0 != 1 }
      switch sequence.role {
      case .wanted: wanted += 1
      case .unwanted: unwanted += 1
      case .prompt: prompts += 1
      case .sample, .chosen, .rejected: break
      }
    }
  }

  package mutating func add(_ other: TokenCounts) {
    rows += other.rows
    sequences += other.sequences
    tokens += other.tokens
    labels += other.labels
    longestSequence = max(longestSequence, other.longestSequence)
    longestRow = max(longestRow, other.longestRow)
    wanted += other.wanted
    unwanted += other.unwanted
    prompts += other.prompts
    weighted += other.weighted
    sources.merge(other.sources, uniquingKeysWith: +)
  }

  /// The counts; those of judged answers, prompts, weights and sources where there are any.
  package var json: JSON {
    var members: [(key: String, value: JSON)] = [
      ("rows", JSON(rows)), ("sequences", JSON(sequences)), ("tokens", JSON(tokens)), ("labels", JSON(labels)),
      ("longest_sequence", JSON(longestSequence)), ("longest_row", JSON(longestRow)),
    ]
    if wanted + unwanted > 0 { members += [("wanted", JSON(wanted)), ("unwanted", JSON(unwanted))] }
    if prompts > 0 { members.append(("prompts", JSON(prompts))) }
    if weighted > 0 { members.append(("weighted_labels", JSON(weighted))) }
    if !sources.isEmpty {
      members.append(("sources", JSON(sources.sorted { $0.key < $1.key }.map { ($0.key, JSON($0.value)) })))
    }
    return JSON(members)
  }

  /// Reads what ``json`` wrote; nil when a count is missing or negative.
  package init?(json: JSON) {
    func count(_ key: String) -> Int? { json[key]?.int.flatMap { $0 >= 0 ? $0 : nil } }
    guard let rows = count("rows"), let sequences = count("sequences"), let tokens = count("tokens"),
      let labels = count("labels"), let longestSequence = count("longest_sequence"),
      let longestRow = count("longest_row")
    else { return nil }
    for (key, place) in [
      ("wanted", \Self.wanted), ("unwanted", \.unwanted), ("prompts", \.prompts), ("weighted_labels", \.weighted),
    ] where json[key] != nil {
      guard let value = count(key) else { return nil }
      self[keyPath: place] = value
    }
    for (name, labels) in json["sources"]?.object?.members ?? [] {
      guard let labels = labels.int, labels >= 0 else { return nil }
      sources[name] = labels
    }
    self.rows = rows
    self.sequences = sequences
    self.tokens = tokens
    self.labels = labels
    self.longestSequence = longestSequence
    self.longestRow = longestRow
  }
}
