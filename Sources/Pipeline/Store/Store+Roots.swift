import PreciseJSON

/// What the garbage collector must keep because a run used it: one file a run, its first line saying whose run it is,
/// each further line an action key, the last one that the run is over. The store is shared by projects that may be gone, so it
/// keeps these itself.
extension Store {
  /// Whose run it is, as the first line of its note says.
  struct RootHeader: Sendable, Hashable {
    var pipeline: String
    var project: String
    /// Which command made it; nil of ordinary runs.
    var purpose: RunPurpose?

    init(pipeline: String, project: String, purpose: RunPurpose? = nil) {
      self.pipeline = pipeline
      self.project = project
      self.purpose = purpose
    }

    init?(_ json: JSON) {
      guard let pipeline = json["pipeline"]?.string, let project = json["project"]?.string else { return nil }
      self.init(
        pipeline: pipeline, project: project, purpose: json["purpose"]?.string.flatMap(RunPurpose.init))
    }

    /// With the process that runs it.
    func line(_ process: ProcessTag) -> String {
      var object = JSONObject([
        (key: "pipeline", value: JSON(pipeline)), (key: "project", value: JSON(project)),
        (key: "process", value: JSON(process.text)),
      ])
      if let purpose { object["purpose"] = JSON(purpose.rawValue) }
      return JSON.object(object).text()
    }
  }

  /// A run as the garbage collector knows it.
  struct Root: Sendable {
    var name: String
    /// Runs with the same one are counted together; nil where the note does not say whose it is.
    var header: RootHeader?
    var keys: [Digest]
    /// The process that runs it; nil when the run is over, or the note is of a version that did not say.
    var process: ProcessTag?

    /// Whether the run goes on, as far as this machine can tell.
    var isRunning: Bool { process.map { $0.isOfThisMachine && !$0.isGone } ?? false }
  }

  /// The last line of a note.
  private static let end = "ended"

  func rootPlace(_ run: String) -> String { "\(rootsFolder)/\(run)" }

  /// Notes that a run began in this process.
  ///
  /// A store that cannot be written keeps no roots, and collects no garbage either.
  func beginRoot(_ run: String, _ header: RootHeader) {
    try? files.makeFolder(rootsFolder)
    append(header.line(.current), run)
  }

  /// Notes that a run used a result.
  func addRoot(_ run: String, key: Digest) { append(key.hex, run) }

  /// Notes that a run is over, and nobody will ask this process for what it used.
  func endRoot(_ run: String) { append(Self.end, run) }

  private func append(_ line: String, _ run: String) { try? files.append(rootPlace(run), Array((line + "\n").utf8)) }

  /// All runs by name, newest first (their names begin with their time).
  ///
  /// What is no file is no run's note.
  func roots() throws -> [Root] {
    try files.names(in: rootsFolder).reversed().compactMap { name in
      guard try files.status(rootPlace(name), followsLinks: false)?.kind == .file,
        let bytes = try files.read(rootPlace(name))
      else { return nil }
      let lines = bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
      let header = lines.first.flatMap { try? JSON(parsing: $0) }
      return Root(
        name: name, header: header.flatMap(RootHeader.init), keys: lines.dropFirst().compactMap(Digest.init(hex:)),
        process: lines.last == Self.end ? nil : header?["process"]?.string.flatMap(ProcessTag.init(endOf:)))
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
