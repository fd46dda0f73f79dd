import ChatTemplates
import Diagnostics
import PreciseJSON

// Record groups are rendered by themselves and kept, so that their reports are kept with them and added up.
extension RenderingReport {
  /// Adds what rendering left of the rows that come after the first `before` ones, numbered from their own first.
  package mutating func add(_ part: RenderingReport, after before: Int) {
    if open.count == 0 { openEnding = part.openEnding }
    rows += part.rows
    rowsWithTools += part.rowsWithTools
    for (kind, passage) in part.passages { passages[kind, default: Passage()].add(passage, after: before) }
    toolless.add(part.toolless, after: before)
    lostCalls.add(part.lostCalls, after: before)
    lostAnswers.add(part.lostAnswers, after: before)
    open.add(part.open, after: before)
    marksBeforeNext.add(part.marksBeforeNext, after: before)
    for failure in part.failures {
      let same = failures.firstIndex {
        $0.diagnostic.code == failure.diagnostic.code && $0.diagnostic.place == failure.diagnostic.place
      }
      if let same {
        failures[same].tally.add(failure.tally, after: before)
      } else {
        var moved = Failure(diagnostic: failure.diagnostic, tally: Tally())
        moved.tally.add(failure.tally, after: before)
        failures.append(moved)
      }
    }
  }

  /// The report of rows that could all be rendered, whole.
  package var partJSON: JSON {
    [
      "rows": JSON(rows), "rows_with_tools": JSON(rowsWithTools), "toolless": toolless.json,
      "lost_calls": lostCalls.json,
      "lost_answers": lostAnswers.json, "open": open.json, "open_ending": JSON(openEnding),
      "marks_before_next": marksBeforeNext.json,
      "passages": JSON(
        Arrival.Kind.allCases.compactMap { kind in passages[kind].map { (key: kind.rawValue, value: $0.json) } }),
    ]
  }

  /// Reads what ``partJSON`` wrote; nil for anything else.
  package init?(partJSON json: JSON) {
    self.init()
    func tally(_ key: String) -> Tally? { json[key].flatMap(Tally.init(json:)) }
    guard let rows = json["rows"]?.int, let withTools = json["rows_with_tools"]?.int, let toolless = tally("toolless"),
      let lostCalls = tally("lost_calls"), let lostAnswers = tally("lost_answers"), let open = tally("open"),
      let ending = json["open_ending"]?.string, let marks = tally("marks_before_next"),
      let list = json["passages"]?.object?.members
    else { return nil }
    (self.rows, rowsWithTools, openEnding) = (rows, withTools, ending)
    (self.toolless, self.lostCalls, self.lostAnswers, self.open) = (toolless, lostCalls, lostAnswers, open)
    marksBeforeNext = marks
    for (key, value) in list {
      guard let kind = Arrival.Kind(rawValue: key), let passage = Passage(json: value) else { return nil }
      passages[kind] = passage
    }
  }
}

extension RenderingReport.Tally {
  mutating func add(_ other: Self, after before: Int) {
    count += other.count
    rows += other.rows
    if firstRow == nil { firstRow = other.firstRow.map { $0 + before } }
  }

  fileprivate var json: JSON { [JSON(count), JSON(rows), firstRow.map { JSON($0) } ?? .null] }

  fileprivate init?(json: JSON) {
    guard let values = json.array, values.count == 3, let count = values[0].int, let rows = values[1].int else {
      return nil
    }
    self.init(count: count, rows: rows, firstRow: values[2].int)
  }
}

extension RenderingReport.Passage {
  fileprivate mutating func add(_ other: Self, after before: Int) {
    messages += other.messages
    characters += other.characters
    lost += other.lost
    lossy.add(other.lossy, after: before)
  }

  fileprivate var json: JSON { [JSON(messages), JSON(characters), JSON(lost), lossy.json] }

  fileprivate init?(json: JSON) {
    guard let values = json.array, values.count == 4, let messages = values[0].int, let characters = values[1].int,
      let lost = values[2].int, let lossy = RenderingReport.Tally(json: values[3])
    else { return nil }
    self.init(messages: messages, characters: characters, lost: lost, lossy: lossy)
  }
}
