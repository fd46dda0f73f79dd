import Foundation
import PreciseJSON
import TestKit
import Testing

/// A conversation with `anneal lsp`, message by message; `scripts/reference/lsp_client.py` has it by the protocol's own types.
@Suite("The language server") struct LanguageServerCommandTests {
  private static let uri = "file:///nowhere/pipeline.yaml"

  private func message(_ text: String) -> String { "Content-Length: \(text.utf8.count)\r\n\r\n\(text)" }

  private func open(_ text: String) -> String {
    let document: JSON = [
      "jsonrpc": "2.0", "method": "textDocument/didOpen",
      "params": ["textDocument": ["uri": JSON(Self.uri), "languageId": "yaml", "version": 1, "text": JSON(text)]],
    ]
    return message(document.text())
  }

  private func request(_ id: Int, _ method: String, _ line: Int, _ character: Int, name: String? = nil) -> String {
    var params = JSONObject([
      (key: "textDocument", value: ["uri": JSON(Self.uri)] as JSON),
      (key: "position", value: ["line": JSON(line), "character": JSON(character)] as JSON),
    ])
    if let name { params["newName"] = JSON(name) }
    let object: JSON = [
      "jsonrpc": "2.0", "id": JSON(id), "method": JSON("textDocument/" + method), "params": .object(params),
    ]
    return message(object.text())
  }

  private func talk(_ project: Project, _ messages: [String], ends: Bool = true) throws -> (
    code: Int32, answers: [JSON]
  ) {
    let start = message(#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"capabilities":{}}}"#)
    let end =
      ends
      ? message(#"{"jsonrpc":"2.0","id":99,"method":"shutdown"}"#) + message(#"{"jsonrpc":"2.0","method":"exit"}"#) : ""
    let outcome = try project.anneal("lsp", input: start + messages.joined() + end)
    let answers = try outcome.output.components(separatedBy: "Content-Length: ").dropFirst().map { piece -> JSON in
      let body = try #require(piece.components(separatedBy: "\r\n\r\n").dropFirst().first)
      #expect(Int(piece.prefix { $0.isNumber }) == body.utf8.count)
      return try JSON(parsing: body)
    }
    return (outcome.code, answers)
  }

  @Test("problems are shown where they stand, and names are found and renamed")
  func conversation() throws {
    let project = try Project(rows: 5)
    let text = Project.pipeline.replacing("rank: 4", with: "rnk: 4")
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let row = try #require(lines.firstIndex { $0.contains("sft:") })
    let column = try #require(lines[row].range(of: "data: tok")).upperBound.utf16Offset(in: lines[row])
    let (code, answers) = try talk(
      project,
      [
        open(text), request(1, "definition", row, column), request(2, "rename", row, column, name: "shards"),
        request(
          3, "completion", row, try #require(lines[row].range(of: "data: ")).upperBound.utf16Offset(in: lines[row])),
        request(4, "colours", row, column), message("{half"),
      ])
    #expect(code == 0 && answers.count == 7, "\(answers.map { $0.text() })")
    let found = answers.first { $0["method"]?.string == "textDocument/publishDiagnostics" }?["params"]?["diagnostics"]
    let wrong = try #require(found?.array?.first { $0["message"]?.string?.hasPrefix("Unknown field `rnk`") == true })
    #expect(wrong["message"]?.string?.hasSuffix("try: `rank`") == true && wrong["severity"]?.int == 1)
    let lora = try #require(lines.firstIndex { $0.contains("lora:") })
    #expect(wrong["range"]?["start"]?["line"]?.int == lora)
    func result(_ id: Int) -> JSON? { answers.first { $0["id"]?.int == id }?["result"] }
    let declared = try #require(lines.firstIndex { $0.hasPrefix("  tokens:") })
    #expect(result(1)?["range"]?["start"]?["line"]?.int == declared)
    // The declaration, `data: tokens.train` and `data: tokens.validation`.
    #expect(result(2)?["changes"]?[Self.uri]?.array?.count == 3)
    #expect(result(3)?.array?.compactMap { $0["label"]?.string }.contains("tokens.train") == true)
    #expect(answers.first { $0["id"]?.int == 4 }?["error"]?["code"]?.int == -32601)
  }

  @Test("a name that is none, or another node's, is refused", arguments: ["a b", "1st", "", "rows"])
  func refusedNames(name: String) throws {
    let project = try Project(rows: 1)
    let lines = Project.pipeline.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let row = try #require(lines.firstIndex { $0.hasPrefix("  tokens:") })
    let (code, answers) = try talk(
      project,
      [
        open(Project.pipeline), request(1, "rename", row, 4, name: name), request(2, "rename", row, 4, name: "tokens"),
        request(3, "rename", 2, 3, name: name == "rows" ? "base_" : name),
      ])
    #expect(code == 0)
    let refused = try #require(answers.first { $0["id"]?.int == 1 })
    #expect(refused["error"]?["code"]?.int == -32803 && refused["result"] == nil, "\(refused.text())")
    #expect(refused["error"]?["message"]?.string?.contains("`\(name)`") == true, "\(refused.text())")
    #expect(answers.first { $0["id"]?.int == 2 }?["result"]?["changes"] != nil, "its own name is no other node's")
    #expect((answers.first { $0["id"]?.int == 3 }?["error"] == nil) == (name == "rows"), "params too")
  }

  @Test("an editor that is gone without a word ends the server")
  func gone() throws {
    let project = try Project(rows: 1)
    let (code, answers) = try talk(project, [], ends: false)
    #expect(code == 1 && answers.count == 1)
    #expect(answers.first?["result"]?["serverInfo"]?["name"]?.string == "anneal")
    #expect(try project.anneal("lsp", input: "GET / HTTP/1.1\r\n\r\n").code == 1)
  }

  @Test("half a text, other letters and a text of nothing end nothing")
  func halfTexts() throws {
    let project = try Project(rows: 1)
    var pieces: [String] = []
    for end in stride(from: 0, through: Project.pipeline.count, by: 37) {
      pieces.append(open(String(Project.pipeline.prefix(end)) + (end % 2 == 0 ? "" : "ü\u{1F331}")))
      pieces.append(request(1, "completion", end / 30, end % 40))
      pieces.append(request(2, "hover", end / 30, end % 40))
      pieces.append(request(3, "rename", 1000, 1000, name: "x"))
    }
    let (code, answers) = try talk(project, pieces)
    #expect(code == 0 && answers.count == 2 + pieces.count)
  }
}
