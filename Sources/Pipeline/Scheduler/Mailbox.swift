import Foundation

/// A queue that threads put messages into and one thread takes them out of.
final class Mailbox<Message: Sendable>: @unchecked Sendable {
  // `messages` is touched under `condition` only.
  private let condition = NSCondition()
  private var messages: [Message] = []

  func put(_ message: Message) {
    condition.lock()
    messages.append(message)
    condition.signal()
    condition.unlock()
  }

  /// The messages that have come, after waiting at most `seconds` for the first.
  func take(waiting seconds: Double) -> [Message] {
    condition.lock()
    defer { condition.unlock() }
    let end = Date(timeIntervalSinceNow: seconds)
    while messages.isEmpty { if !condition.wait(until: end) { break } }
    defer { messages = [] }
    return messages
  }
}
