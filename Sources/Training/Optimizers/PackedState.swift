import Tensors

/// State of less than 32 bits an element, in the memory of a tensor whose elements are no numbers.
///
/// So it is counted, kept in checkpoints and put back like any other; only its bits may be looked at.
struct PackedState<Element: FixedWidthInteger> {
  let tensor: Tensor

  /// Zeros.
  init(count: Int) {
    let perFloat = MemoryLayout<Float>.size / MemoryLayout<Element>.size
    tensor = Tensor(shape: [(count + perFloat - 1) / perFloat])
  }

  var pointer: UnsafeMutablePointer<Element> {
    UnsafeMutableRawPointer(tensor.pointer).assumingMemoryBound(to: Element.self)
  }
}

/// Numbers of 64 bits, in the memory of a tensor as ``PackedState`` has it.
struct DoubleState {
  let tensor: Tensor

  /// Zeros.
  init(count: Int) { tensor = Tensor(shape: [2 * count]) }

  subscript(index: Int) -> Double {
    get { UnsafeRawPointer(tensor.pointer).load(fromByteOffset: 8 * index, as: Double.self) }
    nonmutating set {
      UnsafeMutableRawPointer(tensor.pointer).storeBytes(of: newValue, toByteOffset: 8 * index, as: Double.self)
    }
  }
}

/// The 16 upper bits of a float, rounded to the nearest, ties to even.
@inline(__always)
func bfloat16(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
}

@inline(__always)
func float(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
