import CTensorKernels

extension Compute {
  /// g[m, n] += aᵀ b for a [k, m] and b [k, n], in the calling thread and the arithmetic of the class: what k rows add to
  /// the gradient of a weight.
  func addOuterProducts(_ a: MatrixView, _ b: MatrixView, to g: MatrixView, m: Int, n: Int, k: Int) {
    guard computeClass.takesBF16 else {
      let scratch = Tensor(uninitialized: [tk_outer_scratch(m, n, k)])
      kernels.functions.pointee.outer_products(
        g.pointer, g.stride, a.pointer, a.stride, b.pointer, b.stride, m, n, k, scratch.pointer)
      return
    }
    // What is packed at a time stays in the second cache.
    let depth = 256
    let scratch = Tensor(uninitialized: [tk_tile_scratch(m, n, min(k, depth))])
    for top in stride(from: 0, to: k, by: depth) {
      let (a, b) = (a.from(row: top), b.from(row: top))
      kernels.functions.pointee.bf16_tile_product(
        g.pointer, g.stride, a.pointer, a.stride, 1, b.pointer, b.stride, 0, m, n, min(depth, k - top), 1, nil,
        scratch.pointer)
    }
  }
}
