import CTensorKernels

/// Products of small matrices, such as the tiles of attention, in the calling thread, in the arithmetic of the class.
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
    self.init(tiles.kernels, tiles.kind, products)
  }

  /// - Parameter product: The (m, n, k) of all products that will be asked for, or larger ones.
  init(_ kernels: UnsafePointer<tk_kernels>, _ kind: Kind, for product: (m: Int, n: Int, k: Int)) {
    self.init(kernels, kind, [product])
  }

  private init(_ kernels: UnsafePointer<tk_kernels>, _ kind: Kind, _ products: [(m: Int, n: Int, k: Int)]) {
    self.kernels = kernels
    self.kind = kind
    let sizes = products.map { product in
      switch kind {
      case .bf16: tk_tile_scratch(product.m, product.n, product.k)
      case .f32: product.k * Int(TK_TILE_COLUMNS)
      case .library: 0
      }
    }
    scratch = Tensor(uninitialized: [sizes.max() ?? 0])
  }

  /// c[m, n] (+)= a b; see ``Tensors/multiply(_:transposesA:_:transposesB:into:m:n:k:scale:accumulates:)``.
  ///
  /// - Parameter seen: Which keys which queries see: the product may leave out the others; nil where all count.
  func callAsFunction(
    _ a: MatrixView, transposesA: Bool = false, _ b: MatrixView, transposesB: Bool = false, into c: MatrixView, m: Int,
    n: Int, k: Int, accumulates: Bool = false, seen: tk_causal? = nil
  ) {
    guard var causal = seen else {
      return multiply(a, transposesA, b, transposesB, into: c, m: m, n: n, k: k, accumulates: accumulates, nil)
    }
    multiply(a, transposesA, b, transposesB, into: c, m: m, n: n, k: k, accumulates: accumulates, &causal)
  }

  private func multiply(
    _ a: MatrixView, _ transposesA: Bool, _ b: MatrixView, _ transposesB: Bool, into c: MatrixView, m: Int, n: Int,
    k: Int, accumulates: Bool, _ causal: UnsafePointer<tk_causal>?
  ) {
    switch kind {
    case .bf16:
      kernels.pointee.bf16_tile_product(
        c.pointer, c.stride, a.pointer, a.stride, transposesA ? 1 : 0, b.pointer, b.stride, transposesB ? 1 : 0, m, n,
        k, accumulates ? 1 : 0, causal, scratch.pointer)
    case .f32:
      kernels.pointee.float_tile_product(
        c.pointer, c.stride, a.pointer, a.stride, transposesA ? 1 : 0, b.pointer, b.stride, transposesB ? 1 : 0, m, n,
        k, accumulates ? 1 : 0, causal, scratch.pointer)
    case .library:
      Tensors.multiply(
        a, transposesA: transposesA, b, transposesB: transposesB, into: c, m: m, n: n, k: k, accumulates: accumulates)
    }
  }
}
