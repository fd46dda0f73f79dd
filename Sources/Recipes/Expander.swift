import Diagnostics
import Pipeline

/// A file on its way to a pipeline.
class Expander {
  let hub: HubCache
  var sketch: Sketch
  var problems: [Diagnostic] = []

  init(_ sketch: Sketch, hub: HubCache) {
    self.sketch = sketch
    self.hub = hub
  }

  func report(_ problem: RecipeProblem, at value: LocatedValue, _ path: String?) {
    problems.append(problem.diagnostic(at: value, path: path))
  }

  func broken(_ value: LocatedValue) -> LocatedValue {
    var value = value
    value.isBroken = true
    return value
  }

  /// A name that no node has yet.
  func free(_ name: String) -> String {
    var candidate = name
    var number = 2
    while sketch.nodes.contains(where: { $0.name == candidate }) {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  /// A text as the name of a node.
  static func nodeName(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar {
          case "a"..."z", "A"..."Z", "0"..."9", "_", "-": scalar
          default: "_"
          }
        }))
  }

  /// The path that a value names: as it stands, or where the Hugging Face cache has it; broken where it is nowhere.
  ///
  /// - Parameter others: Folders that are looked through before the cache.
  func lookedUp(
    _ value: LocatedValue, _ path: String, kind: String, revision: String = "main", others: [String] = []
  ) -> (value: LocatedValue, isCached: Bool) {
    guard let text = value.scalarText, !value.isBroken else { return (value, false) }
    do {
      if try pathKind(text) != nil || !HubCache.isName(text) { return (value, false) }
      if let folder = try hub.snapshot(of: text, revision: revision, in: others) {
        return (value.with(text: folder), true)
      }
      report(.notHere(text, kind: kind, looked: others + hub.folders), at: value, path)
    } catch {
      problems += diagnostics(of: error)
    }
    return (broken(value), false)
  }

  /// The file, or the files of rows in a folder in the order of their names.
  func files(of value: LocatedValue) -> [LocatedValue] {
    guard let path = value.scalarText, (try? pathKind(path)) == .folder else { return [value] }
    let names = ((try? folderNames(path)) ?? []).filter { name in
      [".json", ".jsonl", ".txt"].contains { name.hasSuffix($0) }
    }
    if names.isEmpty { report(.emptyFolder(path), at: value, nil) }
    return names.sorted().map { value.with(text: path.hasSuffix("/") ? path + $0 : "\(path)/\($0)") }
  }

  /// What `config.json` of a model's folder says under a name.
  static func configured(_ name: String, in folder: String) -> Int? {
    guard let text = try? YAMLText(path: "\(folder)/config.json") else { return nil }
    return try? text.tree[name]?.integer(path: name)
  }
}

extension Sketch {
  /// A text as the name of a pipeline; nil where nothing of it may stand in one.
  static func pipelineName(_ text: String) -> String? {
    let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".": scalar
      default: "-"
      }
    }
    var name = String(String.UnicodeScalarView(scalars.prefix(100)))
    while let first = name.first, !(first.isLetter || first.isNumber) { name.removeFirst() }
    return name.isEmpty ? nil : name
  }

  /// The name of a file without its folder and what stands behind the first dot.
  static func stem(of file: String) -> String {
    let name = file.split(separator: "/").last.map(String.init) ?? ""
    return name.split(separator: ".").first.map(String.init) ?? ""
  }
}
