/// Makes the inspections of one planning: each at most once, and not at all where the store knows what will be seen.
struct Inspector {
  private struct Question: Hashable {
    var type: String
    var version: Int
    var fields: [KeyPreimage.Entry]
    var files: [String]
  }

  /// Something seen just now.
  private struct Sight {
    var facets: [String: Facet]
    var nodes: [String]
    /// The files as they were before, and when that was.
    var stamps: [FileStamp?]
    var start: Int64
  }

  private var known: [Question: [String: Facet]] = [:]
  private var seen: [Question: Sight] = [:]
  private let sources: any SourceDigester

  init(_ sources: any SourceDigester) { self.sources = sources }

  /// What an inspection says: from the store when every file is known to be what it was, else by looking.
  ///
  /// - Throws: What the inspection throws.
  mutating func facets(of inspection: Inspection, by type: AnyNodeType, for node: String) throws -> [String: Facet] {
    let question = Question(
      type: type.name, version: type.implementationVersion, fields: inspection.fields, files: inspection.files)
    if let facets = known[question] { return facets }
    if let sight = seen[question] {
      seen[question]?.nodes.append(node)
      return sight.facets
    }
    let digests = inspection.files.compactMap(sources.knownDigest)
    if digests.count == inspection.files.count, let facets = sources.facets(for: Self.key(question, digests)) {
      known[question] = facets
      return facets
    }
    let start = wallClock()
    let stamps = inspection.files.map(sources.stamp)
    let facets = try inspection.read()
    seen[question] = Sight(facets: facets, nodes: [node], stamps: stamps, start: start)
    return facets
  }

  /// Keeps what was seen for needed nodes, where the files have not changed meanwhile.
  func remember(needed: Set<String>) {
    for (question, sight) in seen where sight.nodes.contains(where: needed.contains) {
      guard let digests = try? question.files.map({ try sources.digest(path: $0).digest }) else { continue }
      let isSame = zip(question.files, sight.stamps).allSatisfy { file, stamp in
        stamp.map { $0.isSettled(readFrom: sight.start) && $0 == sources.stamp(of: file) } ?? false
      }
      if isSame { sources.remember(sight.facets, for: Self.key(question, digests)) }
    }
  }

  private static func key(_ question: Question, _ digests: [Digest]) -> Digest {
    let files = zip(question.files, digests).enumerated().map { index, file in
      // The name may decide how a file is read.
      let name = file.0.split(separator: "/").last.map(String.init) ?? ""
      return KeyPreimage.Entry("files[\(index)]", .list([.text(name), .digest(file.1)]))
    }
    return KeyPreimage(
      .facets,
      [
        KeyPreimage.Entry("type", .text(question.type)),
        KeyPreimage.Entry("implementation", .integer(question.version)),
      ] + question.fields + files
    ).key
  }
}
