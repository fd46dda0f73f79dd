/// The bytes that a stored weight stands in: the program's own memory, or a part of a file that is mapped.
package final class StoredBytes: @unchecked Sendable {
  package let count: Int
  let pointer: UnsafeMutablePointer<UInt8>
  /// Keeps the bytes where they are.
  package let owner: AnyObject
  private let isWhole: @Sendable () throws -> Void

  /// Bytes of the program's own, not set.
  package init(uninitialized count: Int) {
    let memory = Tensor(uninitialized: [(count + 3) / 4])
    self.count = count
    pointer = UnsafeMutableRawPointer(memory.pointer).assumingMemoryBound(to: UInt8.self)
    owner = memory
    isWhole = {}
  }

  /// Bytes of somebody else, which are only read.
  ///
  /// - Parameters:
  ///   - owner: Keeps them there.
  ///   - check: Throws where bytes that were read are not what they should be.
  package init(_ bytes: UnsafeRawBufferPointer, of owner: AnyObject, check: @escaping @Sendable () throws -> Void) {
    count = bytes.count
    // A part without bytes has no address, and nobody reads it.
    pointer =
      UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: UInt8.self)
      ?? UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    self.owner = owner
    isWhole = check
  }

  /// - Throws: What the owner says about bytes that went away.
  package func check() throws { try isWhole() }
}
