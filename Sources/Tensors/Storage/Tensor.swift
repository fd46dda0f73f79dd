/// A dense row-major array of 32-bit floats, aligned to 64 bytes.
///
/// The memory comes from the ``MemoryPool`` and goes back to it when the last reference goes away. A tensor does not
/// guard its elements: whoever hands one to another thread orders the accesses (``ThreadPool`` does for its tiles),
/// which is why `Sendable` is unchecked. Where memory is only counted it has no elements; see ``MemoryCount``.
package final class Tensor: @unchecked Sendable {
  package let shape: [Int]
  package let count: Int
  package let pointer: UnsafeMutablePointer<Float>
  private let bytes: Int
  /// Where its memory is counted and not taken.
  private let counter: MemoryCount?

  /// A tensor whose elements are not set: every one must be written before it is read.
  package init(uninitialized shape: [Int]) {
    precondition(shape.allSatisfy { $0 >= 0 }, "A tensor's extents are not negative, found \(shape)")
    self.shape = shape
    count = shape.reduce(1, *)
    counter = MemoryCount.current
    if let counter {
      pointer = Self.nowhere
      bytes = Self.memory(shape)
      counter.take(bytes)
    } else {
      (pointer, bytes) = MemoryPool.shared.take(floats: count)
    }
  }

  /// The memory that a tensor of a shape takes, in bytes.
  package static func memory(_ shape: [Int]) -> Int {
    MemoryPool.roundedSize(shape.reduce(1, *) * MemoryLayout<Float>.stride)
  }

  /// A tensor of zeros.
  package convenience init(shape: [Int]) {
    self.init(uninitialized: shape)
    onElements { pointer.update(repeating: 0, count: count) }
  }

  /// A tensor with the given elements, whose number must be the product of `shape`.
  package convenience init(shape: [Int], values: [Float]) {
    self.init(uninitialized: shape)
    precondition(values.count == count, "Shape \(shape) wants \(count) values, found \(values.count)")
    onElements {
      values.withUnsafeBufferPointer { source in
        if let base = source.baseAddress { pointer.update(from: base, count: count) }
      }
    }
  }

  deinit {
    if let counter { counter.give(bytes) } else { MemoryPool.shared.give(pointer, bytes: bytes) }
  }

  /// An address that no process may touch.
  private static var nowhere: UnsafeMutablePointer<Float> {
    guard let pointer = UnsafeMutablePointer<Float>(bitPattern: 64) else { preconditionFailure("64 is not 0") }
    return pointer
  }

  /// All elements in row-major order, copied; zeros of a tensor that has none.
  package var values: [Float] { counter == nil ? Array(buffer) : [Float](repeating: 0, count: count) }

  /// All elements in row-major order, in place.
  package var buffer: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: pointer, count: count) }

  /// The extent of the first dimension; 1 for a scalar.
  package var rows: Int { shape.first ?? 1 }

  /// The number of elements that stand under one index of the first dimension.
  package var columns: Int { shape.dropFirst().reduce(1, *) }

  /// A tensor of its own with the same elements.
  package func copy() -> Tensor {
    let other = Tensor(uninitialized: shape)
    onElements { other.pointer.update(from: pointer, count: count) }
    return other
  }
}
