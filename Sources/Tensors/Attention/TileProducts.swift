import CTensorKernels

/// The matrix products of one attention tile at a time, in the calling thread, in the arithmetic of the class.
struct TileProducts {
  /// How the class and the processor multiply.
  enum Kind {
    /// bfloat16 operands.
    case bf16
    /// 32-bit floats, by our own kernel.
    case f32
    /// 32-bit floats, by OpenBLAS, where there are no vector kernels.
    case library

    init(_ compute: Compute) {
      self = compute.computeClass.takesBF16 ? .bf16 : compute.kernels.name == .scalar ? .library : .f32
    }
  }

  private let kernels: UnsafePointer<tk_kernels>
  private let kind: Kind
  /// Space for packed operands.
  private let scratch: Tensor

  /// - Parameter products: The (m, n, k) of all products that will be asked for, or larger ones.
  init(_ tiles: AttentionTiles, for products: (m: Int, n: Int, k: Int)...) {
    kernels = tiles.kernels
    kind = tiles.kind
    let sizes = products.map { product in
      switch tiles.kind {
      case .bf16: tk_tile_scratch(product.m, product.n, product.k)
      case .f32: product.k * Int(TK_TILE_COLUMNS)
      case .library: 0
      }
    }
    scratch = Tensor(uninitialized: [sizes.max() ?? 0])
  }

  /// c[m, n] (+)= a b; see ``Tensors/multiply(_:transposesA:_:transposesB:into:m:n:k:scale:accumulates:)``.
  ///
  /// - Parameter seen: Which keys which queries see: the product may leave out the others.
  func callAsFunction(
    _ a: MatrixView, transposesA: Bool = false, _ b: MatrixView, transposesB: Bool = false, into c: MatrixView, m: Int,
    n: Int, k: Int, accumulates: Bool = false, seen: tk_causal
  ) {
    var causal = seen
    switch kind {
    case .bf16:
      kernels.pointee.bf16_tile_product(
        c.pointer, c.stride, a.pointer, a.stride, transposesA ? 1 : 0, b.pointer, b.stride, transposesB ? 1 : 0, m, n,
        k, accumulates ? 1 : 0, &causal, scratch.pointer)
    case .f32:
      kernels.pointee.float_tile_product(
        c.pointer, c.stride, a.pointer, a.stride, transposesA ? 1 : 0, b.pointer, b.stride, transposesB ? 1 : 0, m, n,
        k, accumulates ? 1 : 0, &causal, scratch.pointer)
    case .library:
      multiply(
        a, transposesA: transposesA, b, transposesB: transposesB, into: c, m: m, n: n, k: k, accumulates: accumulates)
    }
  }
}
