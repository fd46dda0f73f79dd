import Glibc

/// What the file system says about a file without reading it: enough to notice that its bytes were changed.
///
/// A change of the bytes always sets the change time, which no program can set to a value of its choice.
package struct FileStamp: Sendable, Hashable {
  package var device: UInt64
  package var inode: UInt64
  package var size: Int
  /// Nanoseconds since 1970, see ``nanoseconds(_:)``.
  package var modified: Int64
  /// Nanoseconds since 1970; set by the kernel at every change of content, mode, name or links.
  package var changed: Int64

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int(status.st_size)
    modified = nanoseconds(status.st_mtim)
    changed = nanoseconds(status.st_ctim)
  }

  init(device: UInt64, inode: UInt64, size: Int, modified: Int64, changed: Int64) {
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
    self.changed = changed
  }

  /// Whether bytes read from `start` on (nanoseconds since 1970) may be remembered under this stamp.
  ///
  /// Git's racy rule: a change within the same tick of the file system's clock leaves the stamp as it is, so a file
  /// that was changed just before it was read proves nothing later. A clock that ticks in whole milliseconds or
  /// coarser is given two seconds (FAT, old NFS), a finer one 50 ms (several kernel ticks).
  package func isSettled(readFrom start: Int64) -> Bool {
    let window: Int64 = changed % 1_000_000 == 0 ? 2_000_000_000 : 50_000_000
    return start > changed + window
  }
}

/// A look at a path: what kind of thing it is, and its stamp.
package struct FileStatus: Sendable {
  package enum Kind: Sendable {
    case file
    case folder
    case other
  }

  package var kind: Kind
  package var stamp: FileStamp
  /// Permission bits.
  package var mode: UInt32

  init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: kind = .file
    case S_IFDIR: kind = .folder
    default: kind = .other
    }
    stamp = FileStamp(status)
    mode = status.st_mode & 0o7777
  }
}

/// The wall clock in nanoseconds since 1970.
package func wallClock() -> Int64 {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  return nanoseconds(now)
}

/// A time in nanoseconds, brought into the years 1823 to 2116 so that sums and differences of two such times and of some
/// years do not overflow: anybody may give a file any time.
package func nanoseconds(_ time: timespec) -> Int64 {
  let limit = Int64(1) << 62
  let (whole, isBeyond) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
  if isBeyond { return time.tv_sec < 0 ? -limit : limit }
  return min(max(whole, -limit), limit - 1_000_000_000) + Int64(time.tv_nsec)
}

/// A clock that never goes back, in seconds.
package func steadyClock() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
