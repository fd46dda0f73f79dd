import Diagnostics
import Foundation
import Pipeline
import PreciseJSON

/// A language server for pipeline files: what an editor shows of them while they are written.
///
/// It speaks LSP 3.17 over two file handles: diagnostics of the whole file as `anneal validate` tells them, completion of
/// keys, types, choices, nodes and params, hovers, definitions, uses, renaming, and the outline.
package final class LanguageServer {
  private let connection: ServerConnection
  private let registry: NodeRegistry
  private let version: String
  /// What is wrong with a text of a file.
  private let diagnose: (_ bytes: [UInt8], _ file: String) -> [Diagnostic]
  private var documents: [String: OpenDocument] = [:]
  private var isShutDown = false

  package init(
    registry: NodeRegistry, version: String, input: FileHandle = .standardInput, output: FileHandle = .standardOutput,
    diagnose: @escaping (_ bytes: [UInt8], _ file: String) -> [Diagnostic]
  ) {
    connection = ServerConnection(input: input, output: output)
    self.registry = registry
    self.version = version
    self.diagnose = diagnose
  }

  /// Answers until the editor says `exit`, or is gone.
  ///
  /// - Returns: Whether it ended as the protocol wants it: `shutdown` before `exit`.
  package func run() -> Bool {
    while let message = connection.receive() {
      guard let method = message["method"]?.string else { continue }
      if method == "exit" { return isShutDown }
      guard let id = message["id"] else {
        notice(method, message["params"] ?? .null)
        continue
      }
      if isShutDown {
        refuse(id, code: -32600, "the server was shut down")
        continue
      }
      do {
        if let result = try answer(method, message["params"] ?? .null) {
          connection.send(["jsonrpc": "2.0", "id": id, "result": result])
        } else {
          refuse(id, code: -32601, "`\(method)` is not known here")
        }
      } catch { refuse(id, code: -32803, error.words) }
    }
    return isShutDown
  }

  /// A request that is understood and cannot be done.
  private struct Refusal: Error {
    var words: String
  }

  private func refuse(_ id: JSON, code: Int, _ words: String) {
    connection.send(["jsonrpc": "2.0", "id": id, "error": ["code": JSON(code), "message": JSON(words)]])
  }

  // MARK: Notices

  private func notice(_ method: String, _ params: JSON) {
    guard let uri = params["textDocument"]?["uri"]?.string else { return }
    switch method {
    case "textDocument/didOpen":
      if let text = params["textDocument"]?["text"]?.string { take(text, uri) }
    case "textDocument/didChange":
      // Whole texts are asked for, so the last one holds.
      if let text = params["contentChanges"]?.array?.last?["text"]?.string { take(text, uri) }
    case "textDocument/didSave": if let document = documents[uri] { publish(document, uri) }
    case "textDocument/didClose":
      documents[uri] = nil
      send(uri, [])
    default: break
    }
  }

  private func take(_ text: String, _ uri: String) {
    let document = OpenDocument(path: Self.path(uri), text: text, before: documents[uri])
    documents[uri] = document
    publish(document, uri)
  }

  private static func path(_ uri: String) -> String {
    guard let url = URL(string: uri), url.isFileURL else { return uri }
    let here = FileManager.default.currentDirectoryPath + "/"
    return url.path.hasPrefix(here) ? String(url.path.dropFirst(here.count)) : url.path
  }

  private func publish(_ document: OpenDocument, _ uri: String) {
    let problems = diagnose(Array(document.lines.joined(separator: "\n").utf8), document.path)
    send(uri, problems.map { json($0, in: document) })
  }

  private func send(_ uri: String, _ diagnostics: [JSON]) {
    connection.send([
      "jsonrpc": "2.0", "method": "textDocument/publishDiagnostics",
      "params": ["uri": JSON(uri), "diagnostics": .array(diagnostics)],
    ])
  }

  private func json(_ problem: Diagnostic, in document: OpenDocument) -> JSON {
    var words = problem.summary
    if let reason = problem.reason { words += "\nwhy: \(reason)" }
    if let advice = problem.advice { words += "\ntry: \(advice)" }
    let isHere = problem.place.map { $0.file == document.path } ?? true
    if !isHere, let place = problem.place { words = "\(place): \(words)" }
    let start = document.position(isHere ? problem.place ?? Place(file: document.path) : Place(file: document.path))
    let word = document.word(at: start)
    let length = word.map { $0.text.utf16.count - (start.character - $0.start.character) } ?? 1
    return [
      "range": range(.init(start: start, length: max(1, length))),
      "severity": JSON(problem.severity == .error ? 1 : 2), "code": JSON(problem.code), "source": "anneal",
      "message": JSON(words),
    ]
  }

  private func range(_ site: Names.Site) -> JSON {
    func position(_ character: Int) -> JSON { ["line": JSON(site.start.line), "character": JSON(character)] }
    return ["start": position(site.start.character), "end": position(site.start.character + site.length)]
  }

  // MARK: Requests

  /// The result of a request; nil where its method is not known.
  private func answer(_ method: String, _ params: JSON) throws(Refusal) -> JSON? {
    switch method {
    case "initialize": return initialize(params)
    case "shutdown":
      isShutDown = true
      return .null
    default: break
    }
    let known = [
      "completion", "hover", "definition", "references", "prepareRename", "rename", "documentSymbol",
    ]
    guard method.hasPrefix("textDocument/"), known.contains(String(method.dropFirst("textDocument/".count))) else {
      return nil
    }
    guard let uri = params["textDocument"]?["uri"]?.string, let document = documents[uri] else { return .null }
    let names = Names(registry: registry, document: document)
    if method == "textDocument/documentSymbol" { return outline(document) }
    guard let line = params["position"]?["line"]?.int, let character = params["position"]?["character"]?.int else {
      return .null
    }
    let position = OpenDocument.Position(line: line, character: character)
    if method == "textDocument/completion" {
      return .array(Completion(registry: registry, document: document).items(at: position))
    }
    if method == "textDocument/hover" {
      return names.hover(at: position).map { ["contents": ["kind": "markdown", "value": JSON($0)]] } ?? .null
    }
    guard let subject = names.subject(at: position) else { return .null }
    func location(_ site: Names.Site) -> JSON { ["uri": JSON(uri), "range": range(site)] }
    switch method {
    case "textDocument/definition": return names.declaration(of: subject).map(location) ?? .null
    case "textDocument/references": return .array(names.sites(of: subject).map(location))
    case "textDocument/prepareRename":
      let site = names.sites(of: subject).first { site in
        site.start.line == line && (site.start.character...site.start.character + site.length).contains(character)
      }
      return site.map(range) ?? .null
    default:
      guard let name = params["newName"]?.string else { return .null }
      if let words = names.refusal(of: name, for: subject) { throw Refusal(words: words) }
      let edits = names.sites(of: subject).map { site -> JSON in ["range": range(site), "newText": JSON(name)] }
      return ["changes": JSON([(key: uri, value: .array(edits))])]
    }
  }

  private func initialize(_ params: JSON) -> JSON {
    // Paths in pipelines start where commands do: in the folder that is open.
    if let root = params["rootUri"]?.string, let url = URL(string: root), url.isFileURL {
      FileManager.default.changeCurrentDirectoryPath(url.path)
    }
    return [
      "capabilities": [
        "textDocumentSync": ["openClose": true, "change": 1, "save": true],
        "completionProvider": ["triggerCharacters": [" ", ":", "{", ",", "[", "."]], "hoverProvider": true,
        "definitionProvider": true, "referencesProvider": true, "renameProvider": ["prepareProvider": true],
        "documentSymbolProvider": true,
      ],
      "serverInfo": ["name": "anneal", "version": JSON(version)],
    ]
  }

  private func outline(_ document: OpenDocument) -> JSON {
    .array(
      document.pairs("nodes").map { pair in
        let site = Names.Site(start: document.position(pair.key.mark.place), length: pair.key.text.utf16.count)
        return [
          "name": JSON(pair.key.text),
          "detail": JSON(pair.value["type"]?.inlineYAML ?? pair.value["group"]?.inlineYAML ?? ""),
          "kind": 12, "range": range(site), "selectionRange": range(site),
        ]
      })
  }
}
