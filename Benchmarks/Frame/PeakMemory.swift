import Foundation
import Glibc
import Tensors

/// The most memory that this process has held since a moment, the program and the files that it maps included.
///
/// So that several things can be measured in one process, one after the other; see `clear_refs` in proc(5).
enum PeakMemory {
  /// Gives back what nobody uses, and starts again from what is held now.
  static func restart() throws {
    MemoryPool.shared.trim()
    // What is freed between blocks in use goes back only when asked for; Swift's Glibc lacks malloc.h.
    if let trim = dlsym(nil, "malloc_trim") {
      _ = unsafeBitCast(trim, to: (@convention(c) (Int) -> Int32).self)(0)
    }
    // Opened by hand: the file can be written but neither made nor replaced.
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: "/proc/self/clear_refs"))
    try file.write(contentsOf: Data("5".utf8))
    try file.close()
  }

  /// Bytes; nil when the system does not say.
  static var bytes: Int? {
    let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(separator: " ").compactMap { Int($0) }.first.map { $0 << 10 }
  }
}
