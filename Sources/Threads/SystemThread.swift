import Glibc

/// Starts `body` in a thread of its own, which nobody has to wait for.
///
/// Foundation's threads and Dispatch's never tell that the system gave no thread: whoever waits for them waits for ever.
/// - Parameter stackSize: In bytes.
/// - Returns: 0, or the system's error number when there is no thread to be had (`EAGAIN`); then `body` does not run.
package func startThread(stackSize: Int = 1 << 20, _ body: @escaping @Sendable () -> Void) -> Int32 {
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
  pthread_attr_setstacksize(&attributes, stackSize)
  let start = Unmanaged.passRetained(Start(body))
  var thread = pthread_t()
  let code = pthread_create(
    &thread, &attributes,
    { context in
      guard let context else { return nil }
      Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
      return nil
    }, start.toOpaque())
  if code != 0 { start.release() }
  return code
}

/// Runs `body` in this thread and in up to `others` more at the same time, as many as the system gives, and returns when
/// all have ended.
///
/// So `body` takes its share of the work from what is left, and the number of threads decides nothing but the time.
package func shareWork(others: Int, stackSize: Int = 1 << 20, _ body: () -> Void) {
  withoutActuallyEscaping(body) { body in
    // Behind a pointer, so that no thread keeps a reference to a closure that must not outlive the call.
    withUnsafePointer(to: body) { run($0, others: others, stackSize: stackSize) }
  }
}

private func run(_ body: UnsafePointer<() -> Void>, others: Int, stackSize: Int) {
  // Both are used by threads until each has told that it is done.
  nonisolated(unsafe) let body = body
  nonisolated(unsafe) let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  sem_init(done, 0, 0)
  defer {
    sem_destroy(done)
    done.deallocate()
  }
  var started = 0
  while started < others {
    let code = startThread(stackSize: stackSize) {
      body.pointee()
      sem_post(done)
    }
    guard code == 0 else { break }
    started += 1
  }
  body.pointee()
  for _ in 0..<started { while sem_wait(done) != 0 {} }
}

/// What a new thread needs to know.
private final class Start: Sendable {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
