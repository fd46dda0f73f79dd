import Glibc
import Synchronization

/// The highest resident memory of this process while each of several pieces of work ran.
///
/// The system keeps one mark for the whole process (`VmHWM`, proc(5)). Whenever a piece of work begins or ends, the mark is
/// taken for all that were running and set back, so that what ran before or after somebody does not count for him. What ran
/// beside him does: their memory cannot be told apart.
final class MemoryMeter: Sendable {
  static let process = MemoryMeter()

  private let peaks = Mutex<[Int: Int]>([:])
  private let numbers = Atomic(0)

  /// Runs `work` and says how much memory the process took at most meanwhile; nil where the system does not tell.
  func measure<Value>(_ work: () -> Value) -> (value: Value, peak: Int?) {
    let number = numbers.add(1, ordering: .relaxed).newValue
    let canTell = peaks.withLock { peaks in
      Self.take(into: &peaks)
      peaks[number] = 0
      return Self.resetMark()
    }
    let value = work()
    let peak = peaks.withLock { peaks in
      Self.take(into: &peaks)
      _ = Self.resetMark()
      return peaks.removeValue(forKey: number)
    }
    return (value, canTell ? peak : nil)
  }

  private static func take(into peaks: inout [Int: Int]) {
    guard !peaks.isEmpty, let mark = peakMemory(of: nil) else { return }
    for number in peaks.keys { peaks[number] = max(peaks[number] ?? 0, mark) }
  }

  /// Sets the mark back to what is resident now.
  ///
  /// - Returns: Whether the system let us.
  private static func resetMark() -> Bool {
    let file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    // 5: the mark alone, none of the pages' own.
    let written = write(file, "5", 1)
    return close(file) == 0 && written == 1
  }
}
