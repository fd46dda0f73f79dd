import Tensors

extension LowRankAdapter {
  /// W + scale · (B·A) for a weight W [out, in], in f32, the product summed over the rank in its order.
  ///
  /// Cost: out · in · R multiply-adds and a copy of the weight.
  package func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    precondition(weight.rows == b.value.rows && weight.columns == a.value.columns, "the adapter is for another weight")
    let result = weight.copy()
    let (outputs, inputs, rank) = (weight.rows, weight.columns, rank)
    let rowsATile = 32
    pool.tiles((outputs + rowsATile - 1) / rowsATile) { [scale, a = a.value, b = b.value] tile in
      let delta = UnsafeMutablePointer<Float>.allocate(capacity: inputs)
      defer { delta.deallocate() }
      for row in tile * rowsATile..<min(outputs, (tile + 1) * rowsATile) {
        delta.update(repeating: 0, count: inputs)
        for r in 0..<rank {
          let factor = b.pointer[row * rank + r]
          let source = a.pointer + r * inputs
          for column in 0..<inputs { delta[column] += factor * source[column] }
        }
        let target = result.pointer + row * inputs
        for column in 0..<inputs { target[column] += scale * delta[column] }
      }
    }
    return result
  }
}
