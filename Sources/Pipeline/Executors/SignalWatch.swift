import Dispatch
import Glibc

/// Turns SIGINT and SIGTERM into requests on a ``Cancellation`` while this value lives.
package final class SignalWatch {
  private let sources: [any DispatchSourceSignal]

  package init(_ cancellation: Cancellation) {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
      source.setEventHandler { cancellation.request() }
      source.activate()
      return source
    }
  }

  deinit {
    for source in sources { source.cancel() }
    for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
  }
}
