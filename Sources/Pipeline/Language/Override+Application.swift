import Diagnostics

extension Override {
  /// Puts the value at its place in the tree, as if the file said so; reports when there is no such place.
  ///
  /// Whether the field exists and takes the value is found out by the reader of the node, like everything else.
  func apply(to tree: inout LocatedValue, registry: NodeRegistry, problems: inout [Diagnostic]) {
    guard let (target, value, start) = parts(&problems) else { return }
    var names = target.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let params = tree["params"]?.pairs.map(\.key.text) ?? []
    if names.count == 1 { names.insert("params", at: 0) }
    switch names[0] {
    case "matrix" where names.count >= 2 && tree["matrix"] != nil: break
    case "params" where names.count == 2 && tree["matrix"]?.givesValues(to: names[1]) == true:
      problems.append(LanguageProblem.overrideOfMatrix(names[1]).diagnostic(at: start))
      return
    case "params" where names.count == 2:
      guard params.contains(names[1]) else {
        problems.append(LanguageProblem.overrideRoot(target, params: params).diagnostic(at: start))
        return
      }
    case "nodes" where names.count >= 3:
      let nodes = tree["nodes"]?.pairs.map(\.key.text) ?? []
      guard nodes.contains(names[1]) else {
        problems.append(
          LanguageProblem.overrideTarget(names[1], among: nodes, what: "node").diagnostic(at: start, path: target))
        return
      }
    default:
      problems.append(LanguageProblem.overrideRoot(target, params: params).diagnostic(at: start))
      return
    }
    if let blocked = set(value, at: names[...], in: &tree, keyMark: start) {
      problems.append(LanguageProblem.overrideNotMap(blocked).diagnostic(at: start, path: target))
    }
  }

  /// Puts the value at its place in a map of keys, maps in it made on the way: `lr_scheduler_kwargs.num_cycles=2`.
  package func apply(toMap tree: inout LocatedValue, problems: inout [Diagnostic]) {
    guard let (target, value, start) = parts(&problems) else { return }
    let names = target.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if let blocked = set(value, at: names[...], in: &tree, keyMark: start) {
      problems.append(LanguageProblem.overrideNotMap(blocked).diagnostic(at: start, path: target))
    }
  }

  /// What is set, to what, and where the argument starts; nil when it is none, which is reported.
  private func parts(_ problems: inout [Diagnostic]) -> (target: String, value: LocatedValue, start: Mark)? {
    let scalars = Array(text.unicodeScalars)
    let source = SourceText(argument: text, prefix: (scalars.firstIndex(of: "=") ?? -1) + 1, named: file)
    let start = source.mark(line: 1, column: 1)
    guard let equals = scalars.firstIndex(of: "="), equals > 0 else {
      problems.append(LanguageProblem.overrideForm(text).diagnostic(at: start))
      return nil
    }
    do {
      return (
        String(String.UnicodeScalarView(scalars[..<equals])), try read(source, from: scalars[(equals + 1)...]), start
      )
    } catch {
      problems += diagnostics(of: error)
      return nil
    }
  }

  /// The value as it stands, so that a hash, a colon or an ampersand is text like any other.
  ///
  /// Lists, maps and quoted texts are told by the sign they start with, and read as in a file.
  private func read(_ source: SourceText, from scalars: ArraySlice<Unicode.Scalar>) throws -> LocatedValue {
    let plain = LocatedValue(
      .scalar(LocatedValue.Scalar(text: String(String.UnicodeScalarView(scalars)), isPlain: true)),
      at: source.mark(line: 1, column: scalars.startIndex + 1))
    switch scalars.first {
    case "[", "{": return try YAMLReader.read(source) ?? plain
    // An apostrophe may as well begin a text.
    case "\"", "'": return (try? YAMLReader.read(source)) ?? plain
    default: return plain
    }
  }

  /// Sets the value at a path of keys, making maps on the way; gives the key that holds something else than a map.
  private func set(
    _ value: LocatedValue, at names: ArraySlice<String>, in tree: inout LocatedValue, keyMark: Mark
  ) -> String? {
    guard let name = names.first else {
      tree = value
      return nil
    }
    guard tree.isMapOrNull else { return name }
    var pairs = tree.pairs
    let at: Int
    if let index = pairs.firstIndex(where: { $0.key.text == name }) {
      at = index
    } else {
      let empty = LocatedValue(.map([]), at: keyMark)
      pairs.append(LocatedValue.Pair(key: LocatedValue.Key(text: name, mark: keyMark), value: empty))
      at = pairs.count - 1
    }
    if names.count > 1, !pairs[at].value.isMapOrNull { return name }
    let blocked = set(value, at: names.dropFirst(), in: &pairs[at].value, keyMark: keyMark)
    let mark = tree.mark
    tree = LocatedValue(.map(pairs), at: mark)
    return blocked
  }
}

extension LocatedValue {
  /// Whether a matrix gives values to a param.
  fileprivate func givesValues(to param: String) -> Bool {
    if self["grid"]?[param] != nil || param == "seed" && self["seeds"] != nil { return true }
    guard case .list(let rows)? = self["list"]?.content else { return false }
    return rows.contains { $0[param] != nil }
  }
}
