/// The content of a string that had escapes.
final class UnescapedText {
  private var storage = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 256)
  private var count = 0

  deinit { storage.deallocate() }

  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: storage[..<count]) }

  func removeAll() { count = 0 }

  func append(_ byte: UInt8) {
    reserve(1)
    storage[count] = byte
    count += 1
  }

  func append(_ slice: Slice<UnsafeRawBufferPointer>) {
    reserve(slice.count)
    UnsafeMutableRawBufferPointer(storage)[count...].copyBytes(from: slice)
    count += slice.count
  }

  private func reserve(_ extra: Int) {
    guard count + extra > storage.count else { return }
    let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 2 * (count + extra))
    _ = larger.update(fromContentsOf: storage[..<count])
    storage.deallocate()
    storage = larger
  }
}
