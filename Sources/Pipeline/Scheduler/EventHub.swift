import Synchronization

/// Passes the events of a run to its sinks, one at a time and in one order, from whichever thread they come.
final class EventHub: Sendable {
  private let sinks: Mutex<[any EventSink]>

  init(_ sinks: [any EventSink]) { self.sinks = Mutex(sinks) }

  func emit(_ event: RunEvent) {
    sinks.withLock { sinks in
      let time = Double(wallClock()) / 1e9
      for sink in sinks { sink.receive(event, time: time) }
    }
  }
}
