import PreciseJSON

/// Small notes that save work and decide nothing: a note that is missing, damaged or another key's is no advice, and one
/// that cannot be written is left out.
extension Store {
  /// The note about a key at a place.
  func advice(about key: Digest, at place: String) -> JSON? {
    guard let bytes = try? files.read(place, limit: 1 << 20) else { return nil }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    guard lines.count == 2, Self.seal(lines[0], about: key).utf8.elementsEqual(lines[1]) else { return nil }
    return try? JSON(parsing: Array(lines[0]), file: "advice")
  }

  /// Writes a note about a key, sealed.
  func setAdvice(_ json: JSON, about key: Digest, at place: String) {
    let text = json.text()
    do {
      try makeFolder(above: place)
      let bytes = Array("\(text)\n\(Self.seal(text.utf8, about: key))\n".utf8)
      try files.undurable.replaceClearing(place, bytes, temporary: try temporaryPath())
    } catch {
      return
    }
  }

  /// A digest over the note and its key: one note's bytes under another's name do not pass.
  private static func seal(_ text: some Collection<UInt8>, about key: Digest) -> String {
    Digest(of: Array("\(key.hex)\n".utf8) + text).hex
  }
}
