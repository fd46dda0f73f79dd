import Diagnostics

/// Keeps the first problems of many rows and counts the rest, so that one run names all bad rows.
package struct ProblemCollector {
  private var problems: [any DiagnosticError] = []
  private var count = 0

  package init() {}

  package var hasProblems: Bool { count > 0 }

  /// Runs `body` and keeps what it throws when that can be put into words.
  package mutating func collect(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let problem as any DiagnosticError {
      count += 1
      if problems.count < DatasetErrors.listed { problems.append(problem) }
    }
  }

  /// Adds what another collector threw.
  package mutating func add(_ others: DatasetErrors) {
    count += others.problems.count + others.unlisted
    problems += others.problems.prefix(max(0, DatasetErrors.listed - problems.count))
  }

  /// - Throws: ``DatasetErrors`` of all that was kept.
  package func throwIfAny() throws {
    if hasProblems { throw DatasetErrors(problems: problems, unlisted: count - problems.count) }
  }
}
