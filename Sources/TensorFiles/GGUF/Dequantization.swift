/// Expands stored elements to f32, block by block, exactly as ggml's `dequantize_row_*` do.
///
/// - Precondition: `bytes` holds `target.count` elements of `type` in whole blocks (checked when a file is opened).
func dequantize(_ type: GGUFTensorType, _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Float>)
{
  guard let source = bytes.baseAddress, let start = target.baseAddress else { return }
  let blocks = target.count / type.blockLength
  for index in 0..<blocks {
    let block = source + index * type.blockSize
    let y = start + index * type.blockLength
    switch type {
    case .f32: y[0] = block.loadUnaligned(as: Float.self)
    case .f16: y[0] = half(block, 0)
    case .bf16: y[0] = float(bfloat16: block.loadUnaligned(as: UInt16.self))
    case .q80: q80(block, y)
    case .q40: q40(block, y)
    case .q41: q41(block, y)
    case .q50: q50(block, y)
    case .q51: q51(block, y)
    case .q4K: q4K(block, y)
    case .q5K: q5K(block, y)
    case .q6K: q6K(block, y)
    case .mxfp4: mxfp4(block, y)
    }
  }
}

private func half(_ block: UnsafeRawPointer, _ offset: Int) -> Float {
  float(float16: block.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
}

private func byte(_ block: UnsafeRawPointer, _ offset: Int) -> Int32 {
  Int32(block.load(fromByteOffset: offset, as: UInt8.self))
}

private func q80(_ block: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
  let d = half(block, 0)
  for i in 0..<32 { y[i] = d * Float(block.load(fromByteOffset: 2 + i, as: Int8.self)) }
}

/// Low nibbles are the first sixteen elements.
private func q40(_ block: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
  let d = half(block, 0)
  for i in 0..<16 {
    y[i] = d * Float(byte(block, 2 + i) & 0xF - 8)
    y[i + 16] = d * Float(byte(block, 2 + i) >> 4 - 8)
  }
}

/// Twice the numbers of e2m1, four bits of sign, exponent and fraction.
private let e2m1: [Float] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]

/// A byte is half the scale, a power of two; low nibbles are the first sixteen elements.
private func mxfp4(_ block: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
  let exponent = UInt32(byte(block, 0))
  let d = Float(bitPattern: exponent < 2 ? 0x0020_0000 << exponent : (exponent - 1) << 23)
  for i in 0..<16 {
    let nibbles = Int(byte(block, 1 + i))
    y[i] = d * e2m1[nibbles & 0xF]
    y[i + 16] = d * e2m1[nibbles >> 4]
  }
}

private func q41(_ block: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
  let d = half(block, 0)
  let minimum = half(block, 2)
  for i in 0..<16 {
    y[i] = d * Float(byte(block, 4 + i) & 0xF) + minimum
    y[i + 16] = d * Float(byte(block, 4 + i) >> 4) + minimum
  }
}

/// The five-bit numbers `i` and `i + 16` of Q5_0 and Q5_1: four bytes of fifth bits stand before the nibbles.
private func fiveBits(_ bits: UnsafeRawPointer, _ i: Int) -> (low: Int32, high: Int32) {
  let fifth = Int32(bitPattern: bits.loadUnaligned(as: UInt32.self)) >> Int32(i)
  let nibbles = byte(bits, 4 + i)
  return (nibbles & 0xF | (fifth & 1) << 4, nibbles >> 4 | (fifth >> 16 & 1) << 4)
}

private func q50(_ block: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
  let d = half(block, 0)
  for i in 0..<16 {
    let (low, high) = fiveBits(block + 2, i)
    y[i] = d * Float(low - 16)
    y[i + 16] = d * Float(high - 16)
  }
}

private func q51(_ block: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
  let d = half(block, 0)
  let minimum = half(block, 2)
  for i in 0..<16 {
    let (low, high) = fiveBits(block + 4, i)
    y[i] = d * Float(low) + minimum
    y[i + 16] = d * Float(high) + minimum
  }
}

/// The six-bit scale and minimum of sub-block `j`, out of the twelve bytes that K-quants pack eight pairs into.
private func scaleAndMinimum(_ j: Int, _ packed: UnsafeRawPointer) -> (scale: Float, minimum: Float) {
  if j < 4 { return (Float(byte(packed, j) & 63), Float(byte(packed, j + 4) & 63)) }
  return (
    Float(byte(packed, j + 4) & 0xF | (byte(packed, j - 4) >> 6) << 4),
    Float(byte(packed, j + 4) >> 4 | (byte(packed, j) >> 6) << 4)
  )
}

private func q4K(_ block: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
  let d = half(block, 0)
  let dmin = half(block, 2)
  for pair in 0..<4 {
    let low = scaleAndMinimum(2 * pair, block + 4)
    let high = scaleAndMinimum(2 * pair + 1, block + 4)
    for i in 0..<32 {
      let nibbles = byte(block, 16 + 32 * pair + i)
      y[64 * pair + i] = d * low.scale * Float(nibbles & 0xF) - dmin * low.minimum
      y[64 * pair + 32 + i] = d * high.scale * Float(nibbles >> 4) - dmin * high.minimum
    }
  }
}

private func q5K(_ block: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
  let d = half(block, 0)
  let dmin = half(block, 2)
  for pair in 0..<4 {
    let low = scaleAndMinimum(2 * pair, block + 4)
    let high = scaleAndMinimum(2 * pair + 1, block + 4)
    for i in 0..<32 {
      let fifth = byte(block, 16 + i) >> Int32(2 * pair)
      let nibbles = byte(block, 48 + 32 * pair + i)
      y[64 * pair + i] = d * low.scale * Float(nibbles & 0xF | (fifth & 1) << 4) - dmin * low.minimum
      y[64 * pair + 32 + i] = d * high.scale * Float(nibbles >> 4 | (fifth >> 1 & 1) << 4) - dmin * high.minimum
    }
  }
}

private func q6K(_ block: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
  let d = half(block, 208)
  for part in 0..<2 {
    let low = block + 64 * part
    let high = block + 128 + 32 * part
    let scales = block + 192 + 8 * part
    for i in 0..<32 {
      for quarter in 0..<4 {
        let nibbles = byte(low, i + 32 * (quarter % 2)) >> (quarter < 2 ? 0 : 4) & 0xF
        let value = (nibbles | (byte(high, i) >> Int32(2 * quarter) & 3) << 4) - 32
        let scale = scales.load(fromByteOffset: i / 16 + 2 * quarter, as: Int8.self)
        y[128 * part + 32 * quarter + i] = d * Float(scale) * Float(value)
      }
    }
  }
}
