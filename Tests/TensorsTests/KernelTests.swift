import CTensorKernels
import Tensors
import Testing

/// Every vector kernel against the scalar reference, over lengths around the vector widths and odd addresses.
@Suite struct KernelTests {
  static let lengths = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 200, 577]
  static let vectors = KernelSet.available.filter { $0.name != .scalar }
  let reference = tk_scalar_kernels().unsafelyUnwrapped.pointee

  /// `body` gets two writable arrays and three inputs for each class; both arrays must agree with the reference, and
  /// with the same call at another alignment bit for bit.
  private func compare(
    _ tolerance: Double, rows: Int = 1, scale: Float = 2,
    _ body: (tk_kernels, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, [UnsafeMutablePointer<Float>], Int)
      -> Void
  ) {
    for n in KernelTests.lengths {
      func run(_ kernels: tk_kernels, shift: Int) -> ([Float], [Float]) {
        let count = rows * n
        let arrays = (0..<5).map { index in
          let tensor = randomTensor([count], seed: UInt64(index + 1), scale: scale)
          let shifted = Tensor(shape: [count + 16])
          (shifted.pointer + shift).update(from: tensor.pointer, count: count)
          return shifted
        }
        let pointers = arrays.map { $0.pointer + shift }
        body(kernels, pointers[0], pointers[1], Array(pointers[2...]), n)
        return (
          Array(arrays[0].values[shift..<shift + count]), Array(arrays[1].values[shift..<shift + count])
        )
      }
      let expected = run(reference, shift: 0)
      for set in KernelTests.vectors {
        let found = run(set.functions.pointee, shift: 0)
        #expect(distance(found.0, expected.0) <= tolerance, "\(set.name) n = \(n)")
        #expect(distance(found.1, expected.1) <= tolerance, "\(set.name) n = \(n)")
        let shifted = run(set.functions.pointee, shift: 3)
        #expect(shifted.0.map(\.bitPattern) == found.0.map(\.bitPattern), "\(set.name) n = \(n), shifted")
        #expect(shifted.1.map(\.bitPattern) == found.1.map(\.bitPattern), "\(set.name) n = \(n), shifted")
      }
    }
  }

  @Test func elementwise() {
    compare(1e-6) { k, y, z, x, n in
      k.add(y, x[0], x[1], n)
      k.axpy(z, 1.7, x[2], n)
      k.scale(z, 0.3, n)
    }
  }

  @Test func sums() {
    compare(1e-5) { k, y, _, x, n in
      if n == 0 {
        #expect(k.dot(x[0], x[1], 0) == 0)
        #expect(k.sum_squares(x[0], 0) == 0)
      } else {
        y[0] = k.dot(x[0], x[1], n)
        if n > 1 { y[1] = Float(k.sum_squares(x[0], n)) }
      }
    }
    compare(1e-5, rows: 3) { k, y, _, x, n in
      if n > 0 { k.matrix_vector(y, x[0], n, x[1], 3, n) }
    }
  }

  @Test func norms() {
    compare(1e-5, rows: 3) { k, y, sum, x, n in
      if n == 0 { return }
      var inverse: [Float] = [0, 0, 0]
      k.rms_norm(y, &inverse, sum, x[0], x[1], x[2], 3, n, 1e-5)
      k.rms_norm_backward(y, sum, x[0], x[1], x[2], inverse, 3, n, 1)
    }
    compare(1e-5, rows: 3) { k, y, sum, x, n in
      if n == 0 { return }
      var inverse: [Float] = [0, 0, 0]
      k.rms_norm(y, &inverse, sum, nil, x[1], x[2], 3, n, 1e-5)
      k.rms_norm_backward(sum, nil, x[0], x[1], x[2], inverse, 3, n, 0)
    }
  }

  @Test func layerNorms() {
    compare(1e-5, rows: 3) { k, y, sum, x, n in
      if n < 2 { return }
      var (mean, inverse): ([Float], [Float]) = ([0, 0, 0], [0, 0, 0])
      k.layer_norm(y, &mean, &inverse, sum, x[0], x[1], x[2], x[2] + n, 3, n, 1e-5)
      k.layer_norm_backward(y, sum, sum + n, x[0], x[1], x[2], mean, inverse, 3, n, 1)
    }
    compare(1e-5, rows: 3) { k, y, sum, x, n in
      if n < 2 { return }
      var (mean, inverse): ([Float], [Float]) = ([0, 0, 0], [0, 0, 0])
      k.layer_norm(y, &mean, &inverse, sum, nil, x[1], nil, nil, 3, n, 1e-5)
      k.layer_norm_backward(sum, nil, nil, x[0], x[1], nil, mean, inverse, 3, n, 0)
    }
  }

  @Test(arguments: [0, 1])
  func rotation(inverse: Int32) {
    compare(1e-6, rows: 4) { k, y, z, x, half in
      // Two rows of 2 · half, positions 1 and 0.
      k.rotate(y, 2 * half, x[0], 2 * half, x[1], x[2], [1, 0], 2, half, 0.5, inverse, 1)
      k.rotate(z, 2 * half, x[0], 2 * half, x[1], x[2], [1, 0], 2, half, 0.5, inverse, 0)
    }
    compare(1e-6, rows: 4) { k, y, z, x, half in
      k.rotate_pairs(y, 2 * half, x[0], 2 * half, x[1], x[2], [1, 0], 2, half, 0.5, inverse, 1)
      k.rotate_pairs(z, 2 * half, x[0], 2 * half, x[1], x[2], [1, 0], 2, half, 0.5, inverse, 0)
    }
  }

  @Test(arguments: [-5, -1, 0, 1, 3, 1000], [-1000, -1, 0, 2])
  func softmaxOfTiles(limit: Int, begin: Int) {
    compare(1e-5, rows: 3) { k, s, dp, x, n in
      var maximum: [Float] = [0.5, -.infinity, 3]
      var sum: [Float] = [1, 0, 2]
      var factor: [Float] = [0, 0, 0]
      k.probability_rows(dp, n, 3, n, begin, limit, [4, 5, 6])
      k.score_gradient_rows(dp, x[0], n, 3, n, [0.1, 0.2, 0.3], 0.5)
      k.softmax_rows(s, n, 3, n, begin, limit, &maximum, &sum, &factor)
      if n > 1 { k.scale_rows(s, n, factor, 3, n) }
      if n > 2, limit > max(0, begin) {
        for row in 0..<3 { (s[row], s[row + 3]) = (maximum[row], sum[row]) }
      }
    }
  }

  @Test func gatedActivations() {
    compare(2e-6, scale: 5) { k, y, z, x, n in
      k.gated_silu(y, x[0], x[1], n)
      k.gated_gelu(z, x[0], x[1], n)
    }
    compare(1e-5, scale: 5) { k, y, z, x, n in k.gated_silu_backward(y, z, x[0], x[1], x[2], n) }
    compare(1e-5, scale: 5) { k, y, z, x, n in k.gated_gelu_backward(y, z, x[0], x[1], x[2], n) }
    compare(4e-6, scale: 5) { k, y, _, x, n in k.gated_gelu_erf(y, x[0], x[1], n) }
    // Results go up to 56.
    compare(2e-5, scale: 9) { k, y, _, x, n in k.gated_clamped(y, x[0], x[1], n) }
    compare(1e-5, scale: 5) { k, y, z, x, n in k.gated_gelu_erf_backward(y, z, x[0], x[1], x[2], n) }
    compare(1e-5, scale: 9) { k, y, z, x, n in k.gated_clamped_backward(y, z, x[0], x[1], x[2], n) }
  }

  @Test func activations() {
    compare(2e-6, scale: 5) { k, y, z, x, n in
      k.silu(y, x[0], n)
      k.gelu(z, x[0], n)
    }
    compare(2e-6, scale: 5) { k, y, z, x, n in
      k.gelu_erf(y, x[0], n)
      k.relu(z, x[0], n)
    }
    compare(1e-5, scale: 5) { k, y, z, x, n in
      k.silu_backward(y, x[0], x[1], n)
      k.gelu_backward(z, x[0], x[1], n)
    }
    compare(1e-5, scale: 5) { k, y, z, x, n in
      k.gelu_erf_backward(y, x[0], x[1], n)
      k.relu_backward(z, x[0], x[1], n)
    }
    // Results go up to 25.
    compare(1e-5, scale: 5) { k, y, z, x, n in
      k.relu_squared(y, x[0], n)
      k.relu_squared_backward(z, x[0], x[1], n)
    }
  }

  @Test(arguments: [0.3, 2, 50])
  func softCaps(cap: Float) {
    compare(2e-6, scale: 5) { k, s, slope, _, n in k.soft_cap(s, slope, n, cap) }
    compare(2e-6, scale: 5) { k, s, _, _, n in k.soft_cap(s, nil, n, cap) }
  }

  @Test func softmaxOfRows() {
    compare(1e-5) { k, s, _, _, n in
      if n < 4 { return }
      s[2] = 9
      s[3] = 9
      var maximum: Float = 0
      var place = 0
      let sum = k.exp_row(s, n, &maximum, &place)
      #expect(maximum == 9 && place == 2)
      s[0] = sum
    }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 100]) func columnsAbove(count: Int) {
    let s = randomTensor([3, 128], seed: 1)
    let factors: [Float] = [1, 0.5, 2]
    let expected = (0..<count).filter { column in
      (0..<3).contains { s.pointer[$0 * 128 + column] * factors[$0] >= 1.5 }
    }
    for set in KernelSet.available {
      let space = Tensor(uninitialized: [count])
      let found = [UInt32](unsafeUninitializedCapacity: count) { columns, filled in
        filled = set.functions.pointee.columns_above(
          columns.baseAddress, space.pointer, s.pointer, 128, 3, count, factors, 1.5)
      }
      #expect(found.map { Int($0) } == expected)
      var taken = [Float](repeating: 0, count: found.count)
      set.functions.pointee.gather(&taken, s.pointer, found, found.count, 3)
      #expect(taken == found.map { 3 * s.pointer[Int($0)] })
    }
  }

  @Test func adamWSteps() {
    compare(1e-5) { k, p, m, x, n in
      for i in 0..<n { x[0][i] = abs(x[0][i]) }
      var step = tk_adamw(
        gradient_scale: 0.5, decay: 0.999, one_minus_beta1: 0.1, beta2: 0.999, one_minus_beta2: 0.001, step_size: 0.01,
        root_correction2: 0.2, epsilon: 1e-8)
      k.adamw(p, m, x[0], x[1], n, &step)
    }
  }

  @Test func dropoutMasksAreTheSameInAllClasses() {
    compare(0) { k, y, z, x, n in
      k.dropout(y, x[0], n, 4 << 33, 77, 1 << 30, 2)
      k.dropout_add(z, x[0], n, 8, 77, 3 << 30, 2)
    }
    // Tiles see the mask of the whole.
    for set in KernelSet.available {
      let ones = Tensor(shape: [1000], values: Array(repeating: 1, count: 1000))
      let whole = Tensor(shape: [1000])
      let parts = Tensor(shape: [1000])
      set.functions.pointee.dropout(whole.pointer, ones.pointer, 1000, 0, 5, 1 << 30, 1)
      set.functions.pointee.dropout(parts.pointer, ones.pointer, 300, 0, 5, 1 << 30, 1)
      set.functions.pointee.dropout(parts.pointer + 300, ones.pointer, 700, 300, 5, 1 << 30, 1)
      #expect(whole.bits == parts.bits)
      #expect(abs(whole.values.reduce(0, +) - 750) < 70)
      // Element i is word i mod 4 of block i / 4.
      let word = philox(key: 5, counter: (0, 0, 0, 0))
      #expect(whole.pointer[1] == (word.1 >= 1 << 30 ? 1 : 0))
    }
  }

  @Test func exponentialIsWithinTwoUlp() {
    var inputs: [Float] = [0, -0, 1, -1, 88.7, 88.72284, 88.73, 1000, .infinity, -87.3, -87.4, -1000, -.infinity, .nan]
    for i in 0..<40_000 { inputs.append(-87.3 + Float(i) * 0.0044) }
    var outputs = [Float](repeating: 0, count: inputs.count)
    for set in KernelTests.vectors {
      set.functions.pointee.exp(&outputs, inputs, inputs.count)
      for (x, y) in zip(inputs, outputs) {
        let exact = Float(expReference(Double(x)))
        if x.isNaN {
          #expect(y.isNaN)
        } else if x < -87.33654 {
          #expect(y == 0)
        } else if exact == .infinity || y == .infinity {
          #expect(y == exact)
        } else {
          #expect(abs(y - exact) <= 2 * exact.ulp, "exp(\(x))")
        }
      }
    }
  }

  @Test func halfPrecisionsRoundToNearestEven() {
    var inputs: [Float] = [
      0, -0, 1, -2, 65504, 65519.99, 65520, 1e9, -1e9, .infinity, -.infinity, .nan, 5.9e-8, 2.9e-8, 2.98e-8, 6.1e-5,
      6.09e-5, 1e-10, 1.00048828125, 1.00146484375, 1.00390625, 1.01171875, 3.3e38, 3.4e38,
    ]
    inputs += randomTensor([1003], seed: 4, scale: 100).values
    inputs += randomTensor([1003], seed: 5, scale: 1e-5).values
    let count = inputs.count
    for set in KernelSet.available {
      let k = set.functions.pointee
      var half = [UInt16](repeating: 0, count: count)
      var back = [Float](repeating: 0, count: count)
      k.to_f16(&half, inputs, count)
      k.from_f16(&back, half, count)
      for i in 0..<count {
        let bits = fp16(inputs[i])
        #expect(inputs[i].isNaN ? back[i].isNaN : half[i] == bits, "f16 of \(inputs[i]) in \(set.name)")
        if !inputs[i].isNaN { #expect(back[i] == float16(bits)) }
      }
      k.to_bf16(&half, inputs, count)
      k.from_bf16(&back, half, count)
      for i in 0..<count where !inputs[i].isNaN {
        let candidates = [half[i], half[i] &- 1, half[i] &+ 1].map { Float(bitPattern: UInt32($0) << 16) }
        let nearest = abs(Double(back[i]) - Double(inputs[i]))
        if back[i].isFinite {
          #expect(candidates.allSatisfy { !$0.isFinite || nearest <= abs(Double($0) - Double(inputs[i])) })
        }
      }
      #expect(back[11].isNaN)
      #expect(back[20] == 1 && back[21] == 1.015625, "ties go to even")
    }
  }
}
