/// The name among `candidates` that `name` was most likely meant to be, or nil when none is near.
///
/// Near means an edit distance (insertions, deletions, substitutions and swaps of neighbours; Damerau 1964) of at most
/// a third of the longer name, and never above 3. Ties go to the first candidate.
/// Cost: O(candidates × |name|²).
package func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  let scalars = Array(name.lowercased().unicodeScalars)
  var best: (name: String, distance: Int)?
  for candidate in candidates where candidate != name {
    let other = Array(candidate.lowercased().unicodeScalars)
    let limit = min(3, max(1, max(scalars.count, other.count) / 3))
    let distance = editDistance(scalars, other)
    if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
  }
  return best?.name
}

/// The longest name among `candidates` whose words all stand in `name`, in their order: `batch_size` in
/// `per_device_train_batch_size`; nil when there is none.
package func nameWithin(_ name: String, among candidates: some Sequence<String>) -> String? {
  let words = name.lowercased().split { "_-".contains($0) }
  return candidates.filter { candidate in
    var rest = words[...]
    return candidate.split(separator: "_").allSatisfy { word in
      guard let place = rest.firstIndex(of: word) else { return false }
      rest = rest[(place + 1)...]
      return true
    }
  }.max { $0.utf8.count < $1.utf8.count }
}

/// Optimal string alignment distance between `a` and `b`.
func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for i in 1...a.count {
    var row = [i] + [Int](repeating: 0, count: b.count)
    for j in 1...b.count {
      let cost = a[i - 1] == b[j - 1] ? 0 : 1
      row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = min(row[j], beforeLast[j - 2] + 1) }
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}
