/// Makes the inspections of one planning: each at most once, and not at all where the store knows what will be seen.
struct Inspector {
  private struct Question: Hashable {
    var type: String
    var version: Int
    var fields: [KeyPreimage.Entry]
    var sources: NodeSources

    init(_ inspection: Inspection, by type: AnyNodeType) {
      self.type = type.name
      version = type.implementationVersion
      fields = inspection.fields
      sources = inspection.sources
    }

    var files: [String] { sources.files.map(\.path) }
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
    let question = Question(inspection, by: type)
    if let facets = known[question] { return facets }
    if let sight = seen[question] {
      seen[question]?.nodes.append(node)
      return sight.facets
    }
    let digests = question.files.compactMap(sources.knownDigest)
    if digests.count == question.files.count, let facets = sources.facets(for: Self.key(question, digests)) {
      known[question] = facets
      return facets
    }
    let start = wallClock()
    let stamps = question.files.map(sources.stamp)
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

  /// What an inspection says by the digests that its sources are known to have; nil when the store does not know.
  static func known(
    _ inspection: Inspection, by type: AnyNodeType, digests: [Digest], _ sources: any SourceDigester
  ) -> [String: Facet]? {
    let question = Question(inspection, by: type)
    return digests.count == question.files.count ? sources.facets(for: key(question, digests)) : nil
  }

  private static func key(_ question: Question, _ digests: [Digest]) -> Digest {
    let files = zip(question.sources.files, digests).enumerated().map { index, file in
      KeyPreimage.Entry("files[\(index)]", .list([.text(file.0.role), .digest(file.1)]))
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
