import PreciseJSON

/// Small notes that save work and decide nothing: a note that is missing or damaged is no advice, and one that cannot
/// be written is left out.
extension Store {
  /// The note at a place.
  func advice(at place: String) -> JSON? {
    guard let bytes = try? files.read(place, limit: 1 << 20) else { return nil }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    guard lines.count == 2, Digest(of: lines[0]).hex.utf8.elementsEqual(lines[1]) else { return nil }
    return try? JSON(parsing: Array(lines[0]), file: "advice")
  }

  /// Writes a note, with a digest of it.
  func setAdvice(_ json: JSON, at place: String) {
    let text = json.text()
    do {
      try makeFolder(above: place)
      let bytes = Array("\(text)\n\(Digest(of: text.utf8).hex)\n".utf8)
      try files.undurable.replace(place, bytes, temporary: try temporaryPath())
    } catch {
      return
    }
  }
}
