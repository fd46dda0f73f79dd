import Diagnostics
import Pipeline

/// How much of each set is learned: `mix_strategy`, `interleave_probs`, and `num_samples` of `dataset_info.json`.
extension Expansion {
  /// The sets of rows that are put one after the other, so that each counts as much as the file says.
  ///
  /// A set that is taken by turns is a number of its rows: the first ones where it has more, all of them again and again where it
  /// has fewer.
  func mixed(_ rows: [(name: String, node: String)]) -> [String] {
    let strategy = arguments.text("mix_strategy") ?? "concat"
    guard strategy != "concat", rows.count > 1 else {
      if arguments.isGiven("interleave_probs") {
        report(
          .together(
            "interleave_probs", "mix_strategy: concat", reason: "sets that are put one after the other have no shares"),
          at: arguments.located("interleave_probs"), "interleave_probs")
      }
      return rows.map(\.node)
    }
    if Set(rows.map(\.name)).count < rows.count {
      refuse("mix_strategy", "a set of several files has no turn of its own", try: "a set of one file each")
      return rows.map(\.node)
    }
    let counts = rows.map { rowCount(of: $0.node) ?? 0 }
    // Files that cannot be read are `load_dataset`'s to report.
    guard counts.allSatisfy({ $0 > 0 }), let shares = shares(of: rows.count) else { return rows.map(\.node) }
    let lengths = zip(counts, shares).map { Double($0) / $1 }
    let whole = strategy == "interleave_over" ? lengths.max() : lengths.min()
    return zip(rows, zip(counts, shares)).flatMap { row, set in
      let wanted = max(1, Int(((whole ?? 0) * set.1).rounded()))
      return taken(
        wanted, of: row.node, count: set.0, comment: "mix_strategy: \(strategy)", at: arguments.located("mix_strategy"))
    }
  }

  /// The share of each set: those of `interleave_probs`, or all alike.
  private func shares(of count: Int) -> [Double]? {
    guard arguments.isGiven("interleave_probs") else { return [Double](repeating: 1 / Double(count), count: count) }
    let shares = arguments.names("interleave_probs").compactMap { Double($0.writtenText) }.filter { $0 > 0 }
    guard shares.count == count else {
      refuse("interleave_probs", "\(count) sets have a share each, above 0", try: "as many numbers as there are sets")
      return nil
    }
    let sum = shares.reduce(0, +)
    return shares.map { $0 / sum }
  }

  /// So many rows of a set, which has `count`: nodes, of which those that stand there several times are repeated.
  func taken(_ wanted: Int, of node: String, count: Int, comment: String, at value: LocatedValue) -> [String] {
    guard let index = sketch.nodes.firstIndex(where: { $0.name == node }), wanted != count else { return [node] }
    guard wanted > count else {
      sketch.nodes[index].fields.removeAll { $0.name == "max_rows" }
      sketch.nodes[index].set("max_rows", text: "\(wanted)", at: value, comment)
      return [node]
    }
    var nodes = [String](repeating: node, count: wanted / count)
    if wanted % count > 0 {
      var rest = sketch.nodes[index]
      rest.name = free("\(node)_rest")
      rest.fields.removeAll { $0.name == "max_rows" }
      rest.set("max_rows", text: "\(wanted % count)", at: value, comment)
      sketch.nodes.append(rest)
      nodes.append(rest.name)
    }
    return nodes
  }

  /// The rows of a set of which `dataset_info.json` says how many there are to be.
  func sampled(_ entry: DatasetEntry, _ rows: [(name: String, node: String)]) -> [(name: String, node: String)] {
    guard let value = entry.samples, rows.count == 1, let count = rowCount(of: rows[0].node) else { return rows }
    guard let samples = try? value.integer(path: "\(entry.name).num_samples"), samples > 0 else {
      report(.unknownChoice(value.writtenText, among: ["1000"]), at: value, "\(entry.name).num_samples")
      return rows
    }
    let limit = arguments.isGiven("max_samples") ? arguments.integer("max_samples") : nil
    let wanted = min(samples, limit ?? samples)
    if samples < count {
      report(
        .otherwise(
          "The first \(wanted) rows of dataset `\(entry.name)` are taken",
          reason: "LLaMA-Factory draws `num_samples` at random",
          advice: "shuffle the file once where its order means something"), at: value, "\(entry.name).num_samples")
    }
    return taken(wanted, of: rows[0].node, count: count, comment: "num_samples", at: value).map { (entry.name, $0) }
  }

  /// How many rows a node reads; nil when its file cannot be read.
  func rowCount(of node: String) -> Int? {
    guard let load = sketch.nodes.first(where: { $0.name == node }),
      let path = load.fields.first(where: { $0.name == "from" })?.value.scalarText,
      let count = rowCount(of: [path])
    else { return nil }
    let limit = load.fields.first { $0.name == "max_rows" }.flatMap { try? $0.value.integer(path: "max_rows") }
    return min(count, limit ?? count)
  }
}
