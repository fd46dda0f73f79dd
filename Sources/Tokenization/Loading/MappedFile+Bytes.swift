import TensorFiles

extension MappedFile {
  /// Runs `body` with the bytes while the file is certain to stay mapped, whether `body` returns or throws.
  func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    try withExtendedLifetime(self) { try body(bytes) }
  }
}
