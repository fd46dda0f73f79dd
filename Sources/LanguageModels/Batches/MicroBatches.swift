/// Cuts a list of rows into runs of neighbours that are computed together.
///
/// A run ends before the row that would bring it above `budget`; a row above the budget runs alone. The result is a
/// function of the lengths and the budget, never of the machine.
package func microBatches(lengths: [Int], budget: Int) -> [Range<Int>] {
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
