import Diagnostics
import Foundation
import Glibc
import PreciseJSON
import Threads

/// The main program of a worker process: reads one job from standard input, performs it, and tells on file descriptor 3
/// how it goes.
///
/// Exit codes: 0 the result is in the store, 1 the node failed, 75 it stopped on request, 2 the job makes no sense.
package enum WorkerMain {
  /// - Parameter folder: The folder of a job on a cluster, where the job lies in a file, and what the worker tells goes
  ///   to another; nil for a worker of a process that listens. `machine` says what the bytes of results hang on here.
  package static func run(registry: NodeRegistry, check: PublicationCheck, folder: String? = nil, machine: String = "")
    -> Int32
  {
    signal(SIGPIPE, SIG_IGN)
    prepareSignals()
    let channel: Int32
    do { channel = try folder.map { try ChildProcess.opened(log: JobFolder($0).messages) } ?? 3 } catch {
      stop("Cannot tell anybody how the node goes: \(diagnostics(of: error).rendered())")
    }
    _ = fcntl(channel, F_SETFD, FD_CLOEXEC)
    let cancellation = Cancellation()
    let watch = SignalWatch(cancellation)
    watch.tolerate(1)
    let lock = NSLock()
    let send: @Sendable (WorkerMessage) -> Void = { message in
      lock.lock()
      defer { lock.unlock() }
      do { try FileSystem.writeAll(channel, Array(message.line.utf8), "the scheduler's pipe") } catch {
        // Whoever wanted the result is gone, or cannot hear it.
        if let error = error as? SystemError, error.code != EPIPE {
          stop("Cannot tell the scheduler how the node goes: \(error.words)")
        }
        _exit(1)
      }
    }
    return withExtendedLifetime(watch) {
      do {
        let bytes = try folder.map { try FileSystem().read(JobFolder($0).order) ?? [] } ?? readLineOfInput()
        let order = try JSON(parsing: bytes, file: "job")
        guard let path = order["store"]?.string, let json = order["job"] else {
          throw InvalidJob(reason: "there is no store or no job in it")
        }
        if order["watch"]?.bool == true { watchParent() }
        if let log = order["log"]?.string { try write(to: log) }
        send(.ready)
        let store = Store(path: path)
        var job = try ActionJob(json: json, registry: registry, store: store)
        if folder != nil {
          // A cluster may start a job twice, or again: what is there already is not made once more.
          if !job.isForced, case .found = try store.result(for: job.key) {
            send(.done(differs: false))
            return 0
          }
          if let wanted = order["machine"]?.string, wanted != machine {
            throw InvalidJob(reason: "it was made for \(wanted), and here is \(machine)")
          }
          job.staging += "/work-\(uniqueName())"
        }
        return perform(job, store, RemoteCaches(json: order["remotes"] ?? .null), check, cancellation, send)
      } catch StoreError.blobLost(let blob, let damage) {
        send(.lost(blob, damage))
        return 1
      } catch {
        send(.failed(diagnostics(of: error)))
        return 2
      }
    }
  }

  private static func perform(
    _ job: ActionJob, _ store: Store, _ remotes: RemoteCaches, _ check: PublicationCheck, _ cancellation: Cancellation,
    _ send: @escaping @Sendable (WorkerMessage) -> Void
  ) -> Int32 {
    let runner = ActionRunner(
      store: store, keeper: LeaseKeeper(store: store), remotes: remotes, check: check, helper: ["/proc/self/exe"])
    defer { peakMemory(of: nil).map { send(.peak(max($0, peakMemoryOfChildren))) } }
    do {
      let (_, differs) = try runner.perform(job, cancellation: cancellation) { send(.report($0)) }
      send(.done(differs: differs))
      return 0
    } catch {
      switch error {
      case .interrupted:
        send(.interrupted)
        return 75
      case .lost(let blob, let damage): send(.lost(blob, damage))
      case .failed(let problems): send(.failed(problems))
      }
      return 1
    }
  }

  /// Highest resident memory of a process that this one started, or that one of those did.
  private static var peakMemoryOfChildren: Int {
    var usage = rusage()
    return getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage) == 0 ? usage.ru_maxrss * 1024 : 0
  }

  /// Reads up to the end of the line; nothing follows it until the parent closes the pipe.
  private static func readLineOfInput() throws -> [UInt8] {
    var line: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = read(0, &chunk, chunk.count)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return line }
      line += chunk[..<got]
      if line.last == UInt8(ascii: "\n") { return line }
    }
  }

  /// Makes standard output and standard error go to the end of a file.
  private static func write(to log: String) throws {
    let file = try ChildProcess.opened(log: log)
    defer { close(file) }
    for output in [STDOUT_FILENO, STDERR_FILENO] where dup2(file, output) < 0 { throw SystemError("write", log) }
  }

  /// Ends this process when its parent does: the pipe on standard input then comes to its end.
  private static func watchParent() {
    // Without a thread the end is noticed with the next message.
    _ = startThread {
      var byte: UInt8 = 0
      while true {
        let got = read(0, &byte, 1)
        if got > 0 || (got < 0 && errno == EINTR) { continue }
        _exit(1)
      }
    }
  }
}

extension InvalidJob: DiagnosticError {
  var diagnostics: [Diagnostic] { [Diagnostic(code: "invalid-job", "A worker cannot read its job: \(reason)")] }
}
