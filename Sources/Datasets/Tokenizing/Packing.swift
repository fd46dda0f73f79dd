/// Puts samples into rows of at most `capacity` tokens: best-fit decreasing.
///
/// Samples go in from the longest to the shortest (equal lengths in order), each into the row with the least room that
/// still takes it. Rows come out in the order of their first samples. Cost: O(samples · rows).
///
/// - Returns: For each row the indices of its samples, ascending.
package func packed(lengths: [Int], capacity: Int) -> [[Int]] {
  var rows: [(room: Int, samples: [Int])] = []
  let order = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
  for sample in order {
    var best: Int?
    for index in rows.indices where rows[index].room >= lengths[sample] {
      if let found = best, rows[found].room <= rows[index].room { continue }
      best = index
    }
    if let best {
      rows[best].room -= lengths[sample]
      rows[best].samples.append(sample)
    } else {
      rows.append((max(0, capacity - lengths[sample]), [sample]))
    }
  }
  return rows.map { $0.samples.sorted() }.sorted { ($0.first ?? 0) < ($1.first ?? 0) }
}
