import Synchronization
import Threads

/// What `transform` makes of each element, in order, by up to `threads` threads at once.
///
/// Threads take runs of elements as they get to them, and every result goes to its own place: the number of threads
/// decides nothing but the time.
package func concurrentMap<Element: Sendable, Output: Sendable>(
  _ elements: [Element], threads: Int, _ transform: @Sendable (Element) -> Output
) -> [Output] {
  let run = 16
  let workers = min(threads, (elements.count + run - 1) / run)
  guard workers > 1 else { return elements.map(transform) }
  let next = Atomic(0)
  return [Output](unsafeUninitializedCapacity: elements.count) { buffer, count in
    // Each place is written by the one thread that took its run.
    nonisolated(unsafe) let places = buffer
    shareWork(others: workers - 1, stackSize: 8 << 20) {
      while true {
        let start = next.add(run, ordering: .relaxed).oldValue
        guard start < elements.count else { return }
        for index in start..<min(start + run, elements.count) {
          places.initializeElement(at: index, to: transform(elements[index]))
        }
      }
    }
    count = elements.count
  }
}
