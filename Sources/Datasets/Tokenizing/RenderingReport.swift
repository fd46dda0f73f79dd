import ChatTemplates
import Diagnostics
import PreciseJSON

/// What rendering left of the rows: what did not arrive, what has no end, and which rows could not be rendered.
package struct RenderingReport: Sendable {
  /// How many there are of a kind of problem, and where the first is.
  struct Tally: Sendable, Hashable {
    var count = 0
    var rows = 0
    var firstRow: Int?

    mutating func add(_ count: Int, row: Int) {
      guard count > 0 else { return }
      self.count += count
      rows += 1
      if firstRow == nil { firstRow = row }
    }
  }

  /// What became of one kind of text.
  struct Passage: Sendable, Hashable {
    /// Messages that have such text, or tools.
    var messages = 0
    var characters = 0
    var lost = 0
    /// Messages that lose some or all of it; tools whose name does not arrive.
    var lossy = Tally()

    mutating func add(_ arrivals: [Arrival], row: Int) {
      messages += arrivals.count
      characters += arrivals.reduce(0) { $0 + $1.characters }
      lost += arrivals.reduce(0) { $0 + $1.lost }
      lossy.add(arrivals.count { $0.kind == .tool ? $0.arrived == 0 : $0.lost > 0 }, row: row)
    }
  }

  /// Rows that could not be rendered for one reason.
  struct Failure: Sendable {
    var diagnostic: Diagnostic
    var tally: Tally
  }

  package internal(set) var rows = 0
  var rowsWithTools = 0
  var passages: [Arrival.Kind: Passage] = [:]
  /// Rows with tools of which none is rendered.
  var toolless = Tally()
  /// Messages whose calls arrive nowhere.
  var lostCalls = Tally()
  /// Assistant messages of which nothing arrives.
  var lostAnswers = Tally()
  /// Rows whose last answer ends in no end mark, and the text that the first of them ends in.
  var open = Tally()
  var openEnding = ""
  /// Rows whose end marks stand only before the next question.
  var marksBeforeNext = Tally()
  var failures: [Failure] = []
  /// Whether some rows could not be rendered.
  package var hasFailures: Bool { !failures.isEmpty }

  package init() {}

  package mutating func add(_ rendering: Rendering, row: Int) {
    rows += 1
    for arrivals in rendering.arrivals { add(arrivals, row: row) }
    marksBeforeNext.add(rendering.marksBeforeNext ? 1 : 0, row: row)
    if let ending = rendering.openEnding {
      if open.count == 0 { openEnding = ending }
      open.add(1, row: row)
    }
  }

  private mutating func add(_ arrivals: [Arrival], row: Int) {
    let kinds = Dictionary(grouping: arrivals, by: \.kind)
    for (kind, arrivals) in kinds { passages[kind, default: Passage()].add(arrivals, row: row) }
    if let tools = kinds[.tool] {
      rowsWithTools += 1
      toolless.add(tools.allSatisfy { $0.arrived == 0 } ? 1 : 0, row: row)
    }
    let lost = (kinds[.call] ?? []).filter { $0.arrived == 0 }
    lostCalls.add(lost.count, row: row)
    let said = Dictionary(grouping: [.answer, .thought, .call].flatMap { kinds[$0] ?? [] }, by: \.message)
    let silent = said.filter { message, parts in
      parts.allSatisfy { $0.arrived == 0 } && !lost.contains { $0.message == message }
    }
    lostAnswers.add(silent.count, row: row)
  }

  /// A row that cannot be rendered.
  package mutating func fail(_ error: any DiagnosticError, row: Int) {
    rows += 1
    for diagnostic in error.diagnostics.prefix(1) {
      let same = failures.firstIndex {
        $0.diagnostic.code == diagnostic.code && $0.diagnostic.place == diagnostic.place
      }
      if let same {
        failures[same].tally.add(1, row: row)
      } else {
        failures.append(Failure(diagnostic: diagnostic, tally: Tally(count: 1, rows: 1, firstRow: row)))
      }
    }
  }

  /// - Throws: `DiagnosticList` with one problem a kind, when rows cannot be learned from as they are rendered.
  package func throwIfAny(file: String) throws {
    let problems = errors(file: file)
    if !problems.isEmpty { throw DiagnosticList(problems) }
  }

  /// The numbers for the artefact's details: what arrived of each kind of text that the rows have.
  package var json: JSON {
    var members: [(key: String, value: JSON)] = []
    for kind in Arrival.Kind.allCases {
      guard let passage = passages[kind] else { continue }
      members.append(
        (
          kind.rawValue,
          [
            "count": JSON(passage.messages), "characters": JSON(passage.characters),
            "lost_characters": JSON(passage.lost), "lossy": JSON(passage.lossy.count),
            "first_row": passage.lossy.firstRow.map { JSON($0) } ?? .null,
          ]
        ))
    }
    return ["arrival": JSON(members), "rows_without_end_mark": JSON(open.count)]
  }
}
