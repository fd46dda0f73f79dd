import Glibc
import PreciseJSON
import Threads

/// What a worker writes to a guard, a byte each.
enum GuardWish: UInt8 {
  case stop = 0x73
  case kill = 0x6B
}

/// A line that a guard writes.
enum GuardMessage {
  /// The program runs, as the leader of this process group.
  case started(pid_t)
  /// It could not be started, with the system's error number.
  case refused(Int32)
  /// It ended, and so many processes that it had left running were ended.
  case ended(SpawnedProcess.Ending, left: Int)

  var line: String {
    let json: JSON =
      switch self {
      case .started(let id): ["started": JSON(Int(id))]
      case .refused(let code): ["refused": JSON(Int(code))]
      case .ended(.exited(let code), let left): ["exited": JSON(Int(code)), "left": JSON(left)]
      case .ended(.killed(let number), let left): ["killed": JSON(Int(number)), "left": JSON(left)]
      }
    return json.text() + "\n"
  }

  init?(_ line: [UInt8]) {
    guard let json = try? JSON(parsing: line, file: "guard") else { return nil }
    let left = json["left"]?.int ?? 0
    if let id = json["started"]?.int {
      self = .started(pid_t(id))
    } else if let code = json["refused"]?.int {
      self = .refused(Int32(code))
    } else if let code = json["exited"]?.int {
      self = .ended(.exited(Int32(code)), left: left)
    } else if let number = json["killed"]?.int {
      self = .ended(.killed(signal: Int32(number)), left: left)
    } else {
      return nil
    }
  }
}
