import CTensorKernels

extension Compute {
  /// Cuts 0 ..< `count` into fixed pieces of `size` and works them off in any order.
  func pieces(of count: Int, size: Int, _ body: (Range<Int>) -> Void) {
    pool.tiles((count + size - 1) / size) { tile in
      body(tile * size..<min(count, (tile + 1) * size))
    }
  }

  /// Elementwise work over `count` floats, in pieces that fit the second cache.
  func elements(_ count: Int, _ body: (Range<Int>) -> Void) {
    pieces(of: count, size: 1 << 15, body)
  }

  /// Work on several different things at the same time.
  func together(_ work: [() -> Void]) {
    pool.tiles(work.count) { work[$0]() }
  }

  /// Work of several kinds at the same time, each in a number of pieces.
  func together(_ work: [(count: Int, piece: (Int) -> Void)]) {
    pool.tiles(work.reduce(0) { $0 + $1.count }) { index in
      var first = 0
      for (count, piece) in work {
        if index < first + count { return piece(index - first) }
        first += count
      }
    }
  }

  /// a + b in a tensor of its own.
  func sum(_ a: Tensor, _ b: Tensor) -> Tensor {
    let result = Tensor(uninitialized: a.shape)
    add(a, b, into: result)
    return result
  }

  /// y = a + b; y may be a or b.
  func add(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    elements(y.count) { piece in
      let start = piece.lowerBound
      kernels.functions.pointee.add(y.pointer + start, a.pointer + start, b.pointer + start, piece.count)
    }
  }

  /// y += a x.
  func add(_ a: Float, times x: Tensor, to y: Tensor) {
    elements(y.count) { piece in
      kernels.functions.pointee.axpy(y.pointer + piece.lowerBound, a, x.pointer + piece.lowerBound, piece.count)
    }
  }

  /// y *= a.
  func scale(_ y: Tensor, by a: Float) {
    if a == 1 { return }
    elements(y.count) { piece in
      kernels.functions.pointee.scale(y.pointer + piece.lowerBound, a, piece.count)
    }
  }
}
