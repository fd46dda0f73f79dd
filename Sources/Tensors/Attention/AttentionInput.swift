/// Where the heads of queries, keys or values stand in the rows of an array: those of a map of their own one after the
/// other, those of a fused map between others.
package struct HeadPlace: Sendable, Hashable {
  /// The column of the first head.
  package var start: Int
  /// From the heads of one key-value head to those of the next.
  package var groupStride: Int

  package init(start: Int = 0, groupStride: Int) {
    self.start = start
    self.groupStride = groupStride
  }

  /// The column of the first head of a key-value head; the others of a group follow it without a gap.
  func column(_ keyValueHead: Int) -> Int { start + keyValueHead * groupStride }
}

/// Queries, keys and values as operations made them, perhaps in one array: [T, …] each.
package struct AttentionInput {
  package var queries: (variable: Variable, place: HeadPlace)
  package var keys: (variable: Variable, place: HeadPlace)
  package var values: (variable: Variable, place: HeadPlace)

  package init(
    queries: (variable: Variable, place: HeadPlace), keys: (variable: Variable, place: HeadPlace),
    values: (variable: Variable, place: HeadPlace)
  ) {
    self.queries = queries
    self.keys = keys
    self.values = values
  }

  /// Arrays of their own, head after head: q [T, H·D], k [T, K·D], v [T, K·Dv], before rotary positions.
  package init(q: Variable, k: Variable, v: Variable, _ shape: AttentionShape) {
    self.init(
      queries: (q, HeadPlace(groupStride: shape.group * shape.headDimension)),
      keys: (k, HeadPlace(groupStride: shape.headDimension)),
      values: (v, HeadPlace(groupStride: shape.valueDimension)))
  }
}

extension AttentionInput {
  /// The values; computes what waits.
  var rows: (q: HeadRows, k: HeadRows, v: HeadRows) {
    func rows(_ part: (variable: Variable, place: HeadPlace)) -> HeadRows {
      HeadRows(tensor: part.variable.value, place: part.place)
    }
    return (rows(queries), rows(keys), rows(values))
  }

  func check(_ shape: AttentionShape, tokens: Int) {
    for ((variable, place), width) in zip([queries, keys, values], shape.widths) {
      let end = place.column(shape.keyValueHeads - 1) + width
      precondition(
        variable.stored.rows == tokens && end <= variable.stored.columns,
        "\(tokens) tokens with heads up to column \(end) do not fit an array of \(variable.stored.shape)")
    }
  }

  /// Where the gradients of queries, keys and values go, in nodes that may be one.
  ///
  /// What no head covers of a gradient that begins here is zeros.
  static func targets(
    _ nodes: [(GradientNode?, HeadPlace)], _ shape: AttentionShape, _ program: RowProgram
  ) -> [HeadTarget?] {
    var targets: [ObjectIdentifier: RowTarget] = [:]
    var covered: [ObjectIdentifier: Int] = [:]
    for case ((let node?, _), let width) in zip(nodes, shape.widths) {
      let key = ObjectIdentifier(node)
      if targets[key] == nil { targets[key] = node.target(program) }
      covered[key, default: 0] += width * shape.keyValueHeads
    }
    program.run()
    for (key, target) in targets where !target.accumulates && covered[key] != target.array.columns {
      let tensor = target.array.tensor
      onElements { tensor.pointer.update(repeating: 0, count: tensor.count) }
    }
    return nodes.map { node, place in
      node.flatMap { targets[ObjectIdentifier($0)] }.map {
        HeadTarget(rows: HeadRows(tensor: $0.array.tensor, place: place), accumulates: $0.accumulates)
      }
    }
  }
}

extension AttentionShape {
  /// The columns of a key-value head in queries, keys and values.
  fileprivate var widths: [Int] { [group * headDimension, headDimension, valueDimension] }
}
