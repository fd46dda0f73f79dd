import Diagnostics
import Glibc

/// Makes one tree of a pipeline file and of the files that it builds on: `extends`, `include`, and files of node groups.
///
/// Paths of these files start in the folder of the file that names them.
struct PipelineAssembly {
  /// Most files that stand one behind the other.
  private static let depthLimit = 16

  private(set) var problems: [Diagnostic] = []
  /// Whether a file could not be read, so that names may be unknown only because of that.
  private(set) var lacksFiles = false
  /// The groups of files that nodes name, by what they are called there.
  private var groupFiles: [LocatedValue.Pair] = []

  /// The whole tree: without `extends` and `include`, with the groups of other files under `groups`.
  mutating func assemble(_ text: YAMLText) -> LocatedValue {
    var tree = whole(text.tree, of: text.source, behind: [text.source.file])
    guard !groupFiles.isEmpty, case .map(var pairs) = tree.content else { return tree }
    if let index = pairs.firstIndex(where: { $0.key.text == "groups" }) {
      pairs[index].value = LocatedValue(.map(pairs[index].value.pairs + groupFiles), at: pairs[index].value.mark)
    } else {
      let key = LocatedValue.Key(text: "groups", mark: tree.mark)
      pairs.append(LocatedValue.Pair(key: key, value: LocatedValue(.map(groupFiles), at: tree.mark)))
    }
    tree = LocatedValue(.map(pairs), at: tree.mark)
    return tree
  }

  /// A tree with what it builds on; `behind` are the files on the way to it.
  private mutating func whole(_ tree: LocatedValue, of source: SourceText, behind: [String]) -> LocatedValue {
    guard case .map(let pairs) = tree.content else { return tree }
    var own = LocatedValue(.map(pairs.filter { !["extends", "include"].contains($0.key.text) }), at: tree.mark)
    readGroupFiles(own, behind: behind)
    if let include = tree["include"], !include.isNull {
      let items = if case .list(let items) = include.content { items } else { [include] }
      for (index, item) in items.enumerated() {
        let path = include.isList ? "include[\(index)]" : "include"
        if let other = read(item, path, behind: behind) { own = including(other, in: own) }
      }
    }
    if let extends = tree["extends"], !extends.isNull, let base = read(extends, "extends", behind: behind) {
      own = merged(own, over: base, depth: 0)
    }
    return own
  }

  /// The whole tree of another file; nil where there is none, which is reported.
  private mutating func read(_ value: LocatedValue, _ path: String, behind: [String]) -> LocatedValue? {
    let read = readFile(value, path, behind: behind)
    if read == nil { lacksFiles = true }
    return read
  }

  private mutating func readFile(_ value: LocatedValue, _ path: String, behind: [String]) -> LocatedValue? {
    guard case .scalar(let scalar) = value.content, !scalar.text.isEmpty, !value.isNull else {
      report(.topLevelKind(path, wanted: "the path of a file", found: value.kindWords), value, path)
      return nil
    }
    let file = Self.path(scalar.text, besides: behind.last ?? "")
    if behind.contains(file) || behind.count > Self.depthLimit {
      report(.fileBehindItself(file, behind: Array(behind.drop { $0 != file })), value, path)
      return nil
    }
    do {
      let text = try YAMLText(path: file)
      guard case .map = text.tree.content else {
        report(.notAPipeline(found: text.tree.kindWords), text.tree, nil)
        return nil
      }
      return whole(text.tree, of: text.source, behind: behind + [file])
    } catch let error as SourceError {
      let reason = error.diagnostics.first.map { $0.reason ?? $0.summary }
      let isMissing = error.problem == .missing
      report(
        .missingFile(file, reason: isMissing ? nil : reason, nearest: error.diagnostics.first?.advice), value, path)
    } catch { problems += diagnostics(of: error) }
    return nil
  }

  /// A path that stands in a file, as commands would name it.
  private static func path(_ text: String, besides file: String) -> String {
    guard !text.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return text }
    var parts = file[..<slash].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    for part in text.split(separator: "/").map(String.init) where part != "." {
      if part == "..", let last = parts.last, last != "..", last != ".", !last.isEmpty {
        parts.removeLast()
      } else {
        parts.append(part)
      }
    }
    return parts.joined(separator: "/")
  }

  private mutating func report(_ problem: LanguageProblem, _ value: LocatedValue, _ path: String?) {
    problems.append(problem.diagnostic(at: value.mark, path: path))
  }

  // MARK: Extending

  /// A map over another one: what it says holds, `null` takes away, and what it does not say stays.
  ///
  /// A node or a field of another `type` takes the place of the old one as a whole.
  private mutating func merged(
    _ new: LocatedValue, over old: LocatedValue, depth: Int, of area: String = ""
  ) -> LocatedValue {
    guard case .map(let added) = new.content, case .map(var pairs) = old.content,
      new["type"] == nil || new["type"]?.text == old["type"]?.text,
      new["group"] == nil || new["group"]?.text == old["group"]?.text
    else { return new }
    for pair in added {
      let index = pairs.firstIndex { $0.key.text == pair.key.text }
      // At the top, nothing behind a key is nothing; the empty `params:` of a file takes none away.
      if pair.value.isNull, depth == 0 { continue }
      // Outputs, and values of params, are lists or scalars: they are taken as they are.
      if let index, pair.value.isNull, depth == 1 {
        pairs.remove(at: index)
      } else if pair.value.isNull, depth == 1, area == "nodes" {
        problems.append(
          LanguageProblem.nothingTaken(pair.key.text, among: pairs.map(\.key.text))
            .diagnostic(at: pair.key.mark, path: "nodes.\(pair.key.text)"))
      } else if let index {
        let isDeep = depth > 0 || ["params", "nodes", "groups"].contains(pair.key.text)
        pairs[index].key = pair.key
        pairs[index].value =
          isDeep ? merged(pair.value, over: pairs[index].value, depth: depth + 1, of: pair.key.text) : pair.value
      } else {
        pairs.append(pair)
      }
    }
    return LocatedValue(.map(pairs), at: new.mark)
  }

  // MARK: Including

  /// A tree with the params, nodes and groups of another one; a name that both have is a problem.
  private mutating func including(_ other: LocatedValue, in tree: LocatedValue) -> LocatedValue {
    var result = tree
    for area in ["params", "nodes", "groups"] {
      guard let added = other[area], !added.pairs.isEmpty else { continue }
      guard let own = result[area], !own.pairs.isEmpty else {
        let pairs = result.pairs.filter { $0.key.text != area }
        let key = other.pairs.first { $0.key.text == area }?.key ?? LocatedValue.Key(text: area, mark: added.mark)
        result = LocatedValue(.map(pairs + [LocatedValue.Pair(key: key, value: added)]), at: tree.mark)
        continue
      }
      var pairs = own.pairs
      for pair in added.pairs {
        if let known = pairs.first(where: { $0.key.text == pair.key.text }) {
          let problem = LanguageProblem.includedTwice(area: area, name: pair.key.text)
          problems.append(
            problem.diagnostic(
              at: known.key.mark, path: "\(area).\(pair.key.text)",
              related: [Diagnostic.Related("the other one stands here", at: pair.key.mark.place)]))
        } else {
          pairs.append(pair)
        }
      }
      let all = result.pairs.map { pair in
        pair.key.text == area
          ? LocatedValue.Pair(key: pair.key, value: LocatedValue(.map(pairs), at: own.mark)) : pair
      }
      result = LocatedValue(.map(all), at: tree.mark)
    }
    for pair in other.pairs where ["matrix", "cache", "outputs"].contains(pair.key.text) && !pair.value.isNull {
      problems.append(
        LanguageProblem.notIncluded(pair.key.text).diagnostic(at: pair.key.mark, path: pair.key.text))
    }
    return result
  }

  // MARK: Groups of other files

  /// Reads the files that nodes name as their group.
  private mutating func readGroupFiles(_ tree: LocatedValue, behind: [String]) {
    let groups = tree["groups"]?.pairs ?? []
    let bodies = [tree["nodes"]] + groups.map { $0.value["nodes"] }
    for node in bodies.compactMap({ $0 }).flatMap(\.pairs) {
      guard let group = node.value["group"], case .scalar(let scalar) = group.content, scalar.text.contains("."),
        !(groups + groupFiles).contains(where: { $0.key.text == scalar.text })
      else { continue }
      guard let body = read(group, "nodes.\(node.key.text).group", behind: behind) else { continue }
      groupFiles.append(
        LocatedValue.Pair(key: LocatedValue.Key(text: scalar.text, mark: group.mark), value: body))
    }
  }
}
