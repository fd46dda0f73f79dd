import Foundation

/// An amount of memory or disk for people: `812 B`, `3.4 MiB`.
package func byteCount(_ bytes: Int) -> String {
  var value = Double(bytes)
  var units = ["B", "KiB", "MiB", "GiB", "TiB"][...]
  while value >= 1024, units.count > 1 {
    value /= 1024
    units = units.dropFirst()
  }
  return String(format: units.first == "B" ? "%.0f %@" : "%.1f %@", value, units.first ?? "")
}
