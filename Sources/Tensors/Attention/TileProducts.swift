import CTensorKernels

/// The matrix products of one attention tile at a time, in the calling thread, in the arithmetic of the class.
struct TileProducts {
  private let kernels: UnsafePointer<tk_kernels>
  /// Space for operands in bfloat16; nil where products take 32-bit floats.
  private let scratch: Tensor?

  /// - Parameter products: The (m, n, k) of all products that will be asked for, or larger ones.
  init(_ tiles: AttentionTiles, for products: (m: Int, n: Int, k: Int)...) {
    kernels = tiles.kernels
    scratch =
      tiles.takesHalves
      ? Tensor(uninitialized: [products.map { tk_tile_scratch($0.m, $0.n, $0.k) }.max() ?? 0]) : nil
  }

  /// c[m, n] (+)= a b; see ``Tensors/multiply(_:transposesA:_:transposesB:into:m:n:k:scale:accumulates:)``.
  ///
  /// - Parameter seen: Which keys which queries see: the product may leave out the others.
  func callAsFunction(
    _ a: MatrixView, transposesA: Bool = false, _ b: MatrixView, transposesB: Bool = false, into c: MatrixView, m: Int,
    n: Int, k: Int, accumulates: Bool = false, seen: tk_causal
  ) {
    if let scratch {
      var causal = seen
      kernels.pointee.half_tile_product(
        c.pointer, c.stride, a.pointer, a.stride, transposesA ? 1 : 0, b.pointer, b.stride, transposesB ? 1 : 0, m, n,
        k, accumulates ? 1 : 0, &causal, scratch.pointer)
    } else {
      multiply(
        a, transposesA: transposesA, b, transposesB: transposesB, into: c, m: m, n: n, k: k, accumulates: accumulates)
    }
  }
}
