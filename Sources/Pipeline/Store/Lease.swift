import Glibc
import PreciseJSON
import Synchronization

/// Who holds a lease: enough to tell on the same machine whether the process is still there.
package struct LeaseOwner: Sendable, Hashable {
  package var host: String
  /// Changes with every start of the machine.
  package var boot: String
  /// Process numbers mean something only inside their name space (containers).
  package var space: String
  package var process: Int
  /// The process's start time in clock ticks since boot: numbers are given again.
  package var started: String
  /// Differs for every lease taken.
  package var nonce: String

  /// This process.
  package static func current() -> LeaseOwner {
    var name = [CChar](repeating: 0, count: 256)
    let isKnown = gethostname(&name, name.count - 1) == 0
    let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let host = isKnown ? String(decoding: bytes, as: UTF8.self) : "unknown"
    let process = Int(getpid())
    return LeaseOwner(
      host: host, boot: bootIdentity(), space: processSpace(), process: process, started: startTime(of: process) ?? "",
      nonce: uniqueName())
  }

  /// Whether the process is certainly gone.
  ///
  /// A process of another machine is never certainly gone.
  package var isGone: Bool {
    let here = LeaseOwner.current()
    guard host == here.host, space == here.space else { return false }
    return boot != here.boot || Self.isGone(process, startedAt: started)
  }

  /// Whether the process can be reached from this one by its number.
  package var isOfThisMachine: Bool {
    let here = LeaseOwner.current()
    return host == here.host && space == here.space && boot == here.boot
  }

  /// Whether a process of this machine, since its last start, is certainly gone: no process has its number, or one that
  /// started at another time.
  static func isGone(_ process: Int, startedAt started: String) -> Bool {
    guard let number = pid_t(exactly: process), number > 0 else { return true }
    if kill(number, 0) != 0, errno == ESRCH { return true }
    // The times of other users' processes may be hidden; then it may be this one.
    return startTime(of: process).map { $0 != started } ?? false
  }

  private static func bootIdentity() -> String {
    // Where the kernel does not say it, a start of the machine is told by the start times of processes alone.
    let bytes = (try? FileSystem().read("/proc/sys/kernel/random/boot_id")) ?? nil
    return String(decoding: (bytes ?? []).prefix { $0 > 0x20 }, as: UTF8.self)
  }

  private static func processSpace() -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    let count = readlink("/proc/self/ns/pid", &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Field 22 of `/proc/<pid>/stat` (proc(5)), or `ended` where only the remains of a process are left; nil when it
  /// cannot be seen.
  private static func startTime(of process: Int) -> String? {
    // A process that cannot be looked at is not known to be gone.
    guard let bytes = (try? FileSystem().read("/proc/\(process)/stat")) ?? nil,
      let close = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    // The fields after the name, which may hold anything: state is the first, start time the twentieth.
    let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count > 19 else { return nil }
    return fields[0].first == UInt8(ascii: "Z") ? "ended" : String(decoding: fields[19], as: UTF8.self)
  }

  var json: JSON {
    [
      "host": JSON(host), "boot": JSON(boot), "space": JSON(space), "process": JSON(process),
      "started": JSON(started), "nonce": JSON(nonce),
    ]
  }

  init(
    host: String, boot: String, space: String, process: Int, started: String, nonce: String
  ) {
    self.host = host
    self.boot = boot
    self.space = space
    self.process = process
    self.started = started
    self.nonce = nonce
  }

  init?(_ bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes, file: "lease"), let host = json["host"]?.string,
      let boot = json["boot"]?.string, let space = json["space"]?.string, let process = json["process"]?.int,
      let started = json["started"]?.string, let nonce = json["nonce"]?.string
    else { return nil }
    self.init(host: host, boot: boot, space: space, process: process, started: started, nonce: nonce)
  }
}

/// The right to work on an action key, held against other processes while this value lives.
///
/// It saves work, no more: who ignores it publishes the same result, and the first one wins.
package final class Lease: Sendable {
  private let place: String
  private let owner: LeaseOwner
  private let keeper: LeaseKeeper
  private let files: FileSystem

  init(place: String, owner: LeaseOwner, keeper: LeaseKeeper, files: FileSystem) {
    self.place = place
    self.owner = owner
    self.keeper = keeper
    self.files = files
    keeper.add(place)
  }

  deinit { release() }

  /// Whether nobody has taken it over.
  ///
  /// A lease that cannot be read counts as held.
  var isHeld: Bool {
    do { return try files.read(place, limit: 1 << 16).flatMap(LeaseOwner.init) == owner } catch { return true }
  }

  /// Gives the right back; a lease that somebody took over meanwhile is left to them.
  package func release() {
    keeper.remove(place)
    // What cannot be given back expires: its process is gone, or its heartbeat stops.
    guard let bytes = (try? files.read(place, limit: 1 << 16)) ?? nil, LeaseOwner(bytes) == owner else { return }
    try? files.remove(place)
  }
}
