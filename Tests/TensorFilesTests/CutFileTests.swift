import Diagnostics
import Foundation
import Glibc
import TensorFiles
import TestKit
import Testing

/// A file that another program cuts short while it is mapped: an error of whoever reads it, not the end of the process.
@Suite struct CutFileTests {
  private static let page = Int(sysconf(Int32(_SC_PAGESIZE)))

  @Test func bytesThatAreGoneAreAnError() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("data")
    try Data(repeating: 7, count: 5 * Self.page + 100).write(to: URL(fileURLWithPath: path))
    let file = try MappedFile(path: path)
    #expect(try file.withBytes { $0.reduce(0) { $0 + Int($1) } } == 7 * (5 * Self.page + 100))
    truncate(path, 2 * Self.page)
    // What is still there can be read.
    #expect(try file.withBytes { $0[..<Self.page].allSatisfy { $0 == 7 } })
    let error = #expect(throws: FileError.self) { try file.withBytes { $0.reduce(0) { $0 + Int($1) } } }
    #expect(
      error?.diagnostics.rendered() == """
        \(path): error: `\(path)` was cut short while it was read, or the disk cannot read it
          try: run again when nothing writes to it
        """)
    #expect(throws: FileError.self) { try file.contents }
    // Written again it is another file's bytes: what was read stays void.
    try Data(repeating: 7, count: 5 * Self.page + 100).write(to: URL(fileURLWithPath: path))
    #expect(throws: FileError.self) { try file.check() }
    #expect(try MappedFile(path: path).contents.count == 5 * Self.page + 100)
  }

  @Test func whatTheBodySaysOfZerosIsNotTheError() throws {
    struct Nonsense: Error {}
    let folder = try TemporaryFolder()
    let path = folder.path("data")
    try Data(repeating: 7, count: 2 * Self.page).write(to: URL(fileURLWithPath: path))
    let file = try MappedFile(path: path)
    truncate(path, 0)
    #expect(throws: FileError.self) { try file.withBytes { if $0[Self.page] != 7 { throw Nonsense() } } }
  }

  @Test func manyThreadsMeetTheEndAtOnce() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("data")
    try Data(repeating: 1, count: 64 * Self.page).write(to: URL(fileURLWithPath: path))
    let file = try MappedFile(path: path)
    truncate(path, 0)
    let failures = await withTaskGroup(of: Bool.self) { group in
      for start in 0..<8 {
        group.addTask {
          do {
            _ = try file.withBytes { bytes in
              stride(from: start * Self.page, to: bytes.count, by: Self.page).reduce(0) { $0 + Int(bytes[$1]) }
            }
            return false
          } catch { return true }
        }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(failures == 8)
  }
}
