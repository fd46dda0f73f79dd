import PreciseJSON

/// What the garbage collector must keep because a run used it: one file a run, its first line saying whose run it is,
/// each further line an action key. The store is shared by projects that may be gone, so it keeps these itself.
extension Store {
  /// A run as the garbage collector knows it.
  struct Root: Sendable {
    var name: String
    /// Runs of one pipeline in one project are counted together.
    var series: String
    var keys: [Digest]
  }

  func rootPlace(_ run: String) -> String { "\(rootsFolder)/\(run)" }

  /// Notes that a run began.
  ///
  /// A store that cannot be written keeps no roots, and collects no garbage either.
  func beginRoot(_ run: String, pipeline: String, project: String) {
    let header: JSON = ["pipeline": JSON(pipeline), "project": JSON(project)]
    try? files.makeFolder(rootsFolder)
    try? files.append(rootPlace(run), Array((header.text() + "\n").utf8))
  }

  /// Notes that a run used a result.
  func addRoot(_ run: String, key: Digest) { try? files.append(rootPlace(run), Array((key.hex + "\n").utf8)) }

  /// All runs by name, newest first (their names begin with their time).
  ///
  /// What is no file is no run's note.
  func roots() throws -> [Root] {
    try files.names(in: rootsFolder).reversed().compactMap { name in
      guard try files.status(rootPlace(name), followsLinks: false)?.kind == .file,
        let bytes = try files.read(rootPlace(name))
      else { return nil }
      let lines = bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
      return Root(name: name, series: lines.first ?? "", keys: lines.dropFirst().compactMap(Digest.init(hex:)))
    }
  }

  /// Keeps a result until it is unpinned.
  package func pin(_ key: Digest) throws {
    try files.makeFolder(path + "/pins")
    let place = "\(path)/pins/\(key.hex)"
    if try files.status(place) == nil { try files.create(place, []) }
  }

  package func unpin(_ key: Digest) throws { try files.remove("\(path)/pins/\(key.hex)") }

  package func pins() throws -> [Digest] { try files.names(in: path + "/pins").compactMap(Digest.init(hex:)) }
}
