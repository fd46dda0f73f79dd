/// Cuts a list of rows into runs of neighbours that are computed together, as few as `budget` allows and of nearly one size.
///
/// A run ends before the row that would bring it above `budget`; a row above the budget runs alone. Runs of one size need
/// the least memory at their peak. The result is a function of the lengths and the budget, never of the machine.
package func microBatches(lengths: [Int], budget: Int) -> [Range<Int>] {
  let runs = filledRuns(lengths, budget)
  // The smallest budget that needs no more runs.
  var (tooSmall, enough) = (0, budget)
  while enough - tooSmall > 1 {
    let middle = (tooSmall + enough) / 2
    if filledRuns(lengths, middle).count > runs.count { tooSmall = middle } else { enough = middle }
  }
  return filledRuns(lengths, enough)
}

/// Runs that are filled to the budget one after the other.
private func filledRuns(_ lengths: [Int], _ budget: Int) -> [Range<Int>] {
  var runs: [Range<Int>] = []
  var start = 0
  var total = 0
  for (index, length) in lengths.enumerated() {
    if index > start, total + length > budget {
      runs.append(start..<index)
      start = index
      total = 0
    }
    total += length
  }
  if start < lengths.count { runs.append(start..<lengths.count) }
  return runs
}
