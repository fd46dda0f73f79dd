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
    case .q40: q4(block + 2, scale: half(block, 0), offset: -8 * half(block, 0), y)
    case .q41: q4(block + 4, scale: half(block, 0), offset: half(block, 2), y)
    case .q50: q5(block + 2, scale: half(block, 0), offset: -16 * half(block, 0), y)
    case .q51: q5(block + 4, scale: half(block, 0), offset: half(block, 2), y)
    case .q4K: q4K(block, y)
    case .q5K: q5K(block, y)
    case .q6K: q6K(block, y)
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

/// Q4_0 and Q4_1: low nibbles are the first sixteen elements.
///
/// Q4_0's offset −8d is exact in f32, as is its product,
/// so `d·q + offset` equals `d·(q − 8)`.
private func q4(_ nibbles: UnsafeRawPointer, scale: Float, offset: Float, _ y: UnsafeMutablePointer<Float>) {
  for i in 0..<16 {
    y[i] = scale * Float(byte(nibbles, i) & 0xF) + offset
    y[i + 16] = scale * Float(byte(nibbles, i) >> 4) + offset
  }
}

/// Q5_0 and Q5_1: a fifth bit for each element stands in four bytes before the nibbles.
private func q5(_ bits: UnsafeRawPointer, scale: Float, offset: Float, _ y: UnsafeMutablePointer<Float>) {
  let high = Int32(bitPattern: bits.loadUnaligned(as: UInt32.self))
  for i in 0..<16 {
    let low = byte(bits, 4 + i)
    y[i] = scale * Float(low & 0xF | (high >> Int32(i) & 1) << 4) + offset
    y[i + 16] = scale * Float(low >> 4 | (high >> Int32(i + 16) & 1) << 4) + offset
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
