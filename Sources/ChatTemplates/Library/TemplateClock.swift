import Foundation

/// A local date and time, for `strftime_now`.
///
/// It comes from outside so that a rendering can be repeated.
package struct TemplateClock: Sendable, Hashable {
  package var year: Int
  /// From 1.
  package var month: Int
  /// From 1.
  package var day: Int
  package var hour: Int
  package var minute: Int
  package var second: Int

  package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    (self.year, self.month, self.day) = (year, month, day)
    (self.hour, self.minute, self.second) = (hour, minute, second)
  }

  /// The start of a day, written as `2024-07-26`; nil for anything else.
  package init?(date: String) {
    let parts = date.split(separator: "-", omittingEmptySubsequences: false)
    let isWritten =
      parts.map(\.utf8.count) == [4, 2, 2] && date.utf8.allSatisfy { $0 == 0x2D || (0x30...0x39).contains($0) }
    guard isWritten, let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), year > 0,
      (1...12).contains(month)
    else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...days[month - 1]).contains(day) else { return nil }
    self.init(year: year, month: month, day: day)
  }

  /// The day, written as `2024-07-26`.
  package var date: String {
    func padded(_ number: Int, _ digits: Int) -> String {
      String(repeating: "0", count: max(0, digits - "\(number)".utf8.count)) + "\(number)"
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// The present in the time zone of the system.
  package static func now() -> TemplateClock {
    var seconds = time(nil)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return TemplateClock(
      year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
      hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

  /// Python's `strftime` in the C locale.
  ///
  /// - Throws: ``Fault`` for a directive that is not known.
  func formatted(_ format: String) throws -> String {
    func padded(_ value: Int, _ width: Int = 2, _ fill: Character = "0") -> String {
      let digits = String(value)
      return String(repeating: fill, count: max(0, width - digits.count)) + digits
    }
    let hour12 = hour % 12 == 0 ? 12 : hour % 12
    var result = ""
    var scalars = format.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "%" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      var directive = scalars.next()
      // `%-d` leaves the padding out (a glibc extension that templates use).
      let isBare = directive == "-"
      if isBare { directive = scalars.next() }
      func number(_ value: Int, _ width: Int = 2) -> String { isBare ? String(value) : padded(value, width) }
      switch directive {
      case "Y": result += padded(year, 1)
      case "y": result += number(year % 100)
      case "m": result += number(month)
      case "d": result += number(day)
      case "e": result += isBare ? String(day) : padded(day, 2, " ")
      case "H": result += number(hour)
      case "I": result += number(hour12)
      case "M": result += number(minute)
      case "S": result += number(second)
      case "j": result += number(dayOfYear, 3)
      case "p": result += hour < 12 ? "AM" : "PM"
      case "B": result += Self.months[(month + 11) % 12]
      case "b", "h": result += String(Self.months[(month + 11) % 12].prefix(3))
      case "A": result += Self.weekdays[weekday]
      case "a": result += String(Self.weekdays[weekday].prefix(3))
      case "w": result += String(weekday)
      case "F": result += try formatted("%Y-%m-%d")
      case "T": result += try formatted("%H:%M:%S")
      case "R": result += try formatted("%H:%M")
      case "D", "x": result += try formatted("%m/%d/%y")
      case "X": result += try formatted("%H:%M:%S")
      case "c": result += try formatted("%a %b %e %H:%M:%S %Y")
      case "n": result += "\n"
      case "t": result += "\t"
      case "f": result += "000000"
      case "Z", "z": break
      case "%": result += "%"
      default:
        throw Fault(.unsupported, "`strftime_now` does not know `%\(directive.map { String($0) } ?? "")`")
      }
    }
    return result
  }

  private var isLeapYear: Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  private var dayOfYear: Int {
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][(month + 11) % 12]
    return before + day + (month > 2 && isLeapYear ? 1 : 0)
  }

  /// From 0, Sunday (Sakamoto's method).
  private var weekday: Int {
    let shifts = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4]
    let year = month < 3 ? year - 1 : year
    return (year + year / 4 - year / 100 + year / 400 + shifts[(month + 11) % 12] + day) % 7
  }
}
