/// Answers for `anneal cache du`.
extension Store {
  /// What the runs of one pipeline in one project hold on to.
  package struct Usage: Sendable {
    /// Nil of what no run that is known here used.
    package var pipeline: String?
    package var project: String?
    package var runs = 0
    package var results = 0
    /// Bytes of all files of the results, and of the parts they were made from.
    package var size = 0
    /// Bytes of files that nothing else uses.
    package var ownSize = 0
  }

  /// Who holds on to how much, the most first.
  ///
  /// Cost: reads every entry.
  package func usage() throws -> [Usage] {
    var entries: [Digest: ActionResult] = [:]
    for key in try listing("ac") { if let entry = try entry(for: key), let entry { entries[key] = entry } }
    var series: [(header: RootHeader?, runs: Int, keys: Set<Digest>)] = []
    for root in try roots() {
      // Experiments about a pipeline's runs are its own.
      let header = root.header.map { RootHeader(pipeline: $0.pipeline, project: $0.project) }
      if let index = series.firstIndex(where: { $0.header == header }) {
        series[index].runs += 1
        series[index].keys.formUnion(root.keys)
      } else {
        series.append((header, 1, Set(root.keys)))
      }
    }
    for index in series.indices {
      series[index].keys.formIntersection(entries.keys)
      for key in series[index].keys {
        if let entry = entries[key] { series[index].keys.formUnion(try parts(of: entry)) }
      }
      series[index].keys.formIntersection(entries.keys)
    }
    let others = Set(entries.keys).subtracting(series.reduce(into: Set<Digest>()) { $0.formUnion($1.keys) })
    if !others.isEmpty { series.append((nil, 0, others)) }
    let blobs = series.map { one in
      Set(one.keys.flatMap { entries[$0]?.files.map(\.blob) ?? [] })
    }
    var users: [BlobReference: Int] = [:]
    for set in blobs { for blob in set { users[blob, default: 0] += 1 } }
    return zip(series, blobs).map { one, blobs in
      Usage(
        pipeline: one.header?.pipeline, project: one.header?.project, runs: one.runs, results: one.keys.count,
        size: blobs.reduce(0) { $0 + $1.size },
        ownSize: blobs.reduce(0) { users[$1] == 1 ? $0 + $1.size : $0 })
    }.sorted { $0.ownSize == $1.ownSize ? $0.size > $1.size : $0.ownSize > $1.ownSize }
  }
}
