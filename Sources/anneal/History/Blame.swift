import Diagnostics
import FineTuningNodes
import Pipeline

/// What changed between the pipelines of two runs, one change at a time.
struct Blame {
  /// Something that is otherwise in the newer pipeline.
  struct Change {
    enum Kind {
      /// A value at a path of keys, written in YAML; nil where there is none.
      case value(path: [String], old: String?, new: LocatedValue?)
      /// The content of a file.
      case content(path: String, new: Digest)
    }

    /// What is changed together; more than one where one alone makes no pipeline.
    var kinds: [Kind]

    var words: String { kinds.map(\.words).joined(separator: ", ") }
  }

  let old: RecordedPipeline
  let new: RecordedPipeline
  private let sources: any SourceDigester
  private(set) var changes: [Change] = []

  /// Finds the changes; those that make no pipeline alone are taken together.
  init(_ old: RecordedPipeline, _ new: RecordedPipeline, _ sources: any SourceDigester) {
    self.old = old
    self.new = new
    self.sources = sources
    var alone: [Change] = []
    var dependent: [Change.Kind] = []
    for kind in Self.values(old.text.tree, new.text.tree, at: []) + Self.contents(old.record, new.record) {
      let change = Change(kinds: [kind])
      if (try? pipeline(with: [change])) != nil { alone.append(change) } else { dependent.append(kind) }
    }
    if !dependent.isEmpty {
      // What needs other nodes needs those that are new.
      dependent = alone.flatMap(\.kinds).filter(\.isOfWholeNode) + dependent
      alone.removeAll { $0.kinds.allSatisfy(\.isOfWholeNode) }
      alone.append(Change(kinds: dependent))
    }
    changes = alone
  }

  /// The older run's pipeline with some changes.
  ///
  /// - Throws: `DiagnosticList` where that is no pipeline.
  func pipeline(with changes: [Change]) throws -> ResolvedPipeline {
    var written = old
    var digests = Self.digests(old.record)
    for kind in changes.flatMap(\.kinds) {
      switch kind {
      case .value(let path, _, let new): written.text.tree.set(new, at: path[...])
      case .content(let path, let new): digests[path] = new
      }
    }
    return try written.resolve(RecordedDigests(sources, digests))
  }

  private static func digests(_ record: RunRecord) -> [String: Digest] {
    Dictionary(record.graph.flatMap(\.sources).map { ($0.path, $0.digest) }) { first, _ in first }
  }

  /// The values that differ, from the top down to where both sides have no more keys.
  private static func values(_ old: LocatedValue, _ new: LocatedValue, at path: [String]) -> [Change.Kind] {
    let keys = old.pairs.map(\.key.text) + new.pairs.map(\.key.text).filter { old[$0] == nil }
    return keys.flatMap { key -> [Change.Kind] in
      let place = path + [key]
      // Caches and names decide nothing.
      if place == ["cache"] || place == ["pipeline"] { return [] }
      guard let before = old[key], let after = new[key] else {
        return [.value(path: place, old: old[key]?.inlineYAML, new: new[key])]
      }
      if !before.pairs.isEmpty, !after.pairs.isEmpty { return values(before, after, at: place) }
      return before.inlineYAML == after.inlineYAML
        ? [] : [.value(path: place, old: before.inlineYAML, new: after)]
    }
  }

  /// The files that both runs read, with other content.
  private static func contents(_ old: RunRecord, _ new: RunRecord) -> [Change.Kind] {
    let before = digests(old)
    return digests(new).sorted { $0.key < $1.key }.compactMap { path, digest in
      guard let known = before[path], known != digest else { return nil }
      return .content(path: path, new: digest)
    }
  }
}

extension Blame.Change.Kind {
  /// Whether a node comes or goes by it.
  fileprivate var isOfWholeNode: Bool {
    guard case .value(let path, let old, let new) = self else { return false }
    return path.count == 2 && path[0] == "nodes" && (old == nil || new == nil)
  }

  var words: String {
    switch self {
    case .value(let path, let old?, let new?): "\(Self.name(path)): \(old) → \(new.inlineYAML)"
    case .value(let path, nil, let new): "\(Self.name(path)): \(new?.inlineYAML ?? "nothing"), which was not there"
    case .value(let path, let old?, nil): "\(Self.name(path)) is gone (\(old))"
    case .content(let path, _): "the content of `\(path)`"
    }
  }

  private static func name(_ path: [String]) -> String {
    (["params", "nodes"].contains(path.first) && path.count > 1 ? Array(path.dropFirst()) : path)
      .joined(separator: ".")
  }
}

extension LocatedValue {
  /// Sets the value at a path of keys, or takes it away; maps on the way are there.
  fileprivate mutating func set(_ value: LocatedValue?, at path: ArraySlice<String>) {
    guard let name = path.first else { return }
    var pairs = pairs
    let index = pairs.firstIndex { $0.key.text == name }
    if path.count == 1 {
      if let index, let value {
        pairs[index].value = value
      } else if let index {
        pairs.remove(at: index)
      } else if let value {
        pairs.append(Pair(key: Key(text: name, mark: value.mark), value: value))
      }
    } else if let index {
      pairs[index].value.set(value, at: path.dropFirst())
    }
    self = LocatedValue(.map(pairs), at: mark)
  }
}

/// Digests of files as a run had them, whatever the files hold now: what was made of them may still be in the store.
private struct RecordedDigests: SourceDigester {
  let now: any SourceDigester
  let recorded: [String: Digest]

  init(_ now: any SourceDigester, _ recorded: [String: Digest]) {
    self.now = now
    self.recorded = recorded
  }

  func digest(path: String) throws -> (digest: Digest, size: Int) {
    guard let digest = recorded[path] else { return try now.digest(path: path) }
    return (digest, (try? now.digest(path: path).size) ?? 0)
  }

  func kind(of path: String) throws -> SourceKind? { try now.kind(of: path) }
  func knownDigest(of file: String) -> Digest? { recorded[file] ?? now.knownDigest(of: file) }
  func stamp(of file: String) -> FileStamp? { now.stamp(of: file) }
  func facets(for key: Digest) -> [String: Facet]? { now.facets(for: key) }
  /// What is read now may be of other content.
  func remember(_ facets: [String: Facet], for key: Digest) {}
}
