import Foundation
import PreciseJSON
import TestKit
import Testing

/// What is made to be sent to others: nothing of it is what they should not see, and nothing runs in it.
@Suite("What is sent to others") struct BugReportTests {
  @Test("what is sent holds no number, key or letter of a row, and no secret that is known")
  func maskedSecrets() throws {
    let project = try Project(rows: 1)
    let row = """
      {"messages":[{"role":"user","content":"गणित ²③ Zoë"},{"role":"assistant","content":"Ja"}],"label":"patient Anna Schmidt",\
      "from":{"name":"Peter","mail":"peter@geheim.de"},"peter@geheim.de":1,"ssn":-123456789.5e3,"Anna":true,"type":"text"}
      """
    try project.folder.write(row + "\n", to: "one/rows.jsonl")
    try project.folder.write("name,age\nAnna,33\n", to: "two/rows.jsonl")
    try project.folder.write(
      """
      pipeline: own
      params: {hub_token: param-secret-1, pin_key: zq12}
      cache: {url: "http://127.0.0.1:1", mode: read, bearer: $TEAM_TOKEN}
      nodes:
        a:
          type: exec
          command: [sh, -c, "cat rows.jsonl > outputs/out/x; echo $HF_TOKEN $WANDB_API_KEY $TEAM_TOKEN"]
          files: [one/rows.jsonl]
          outputs: {out: files}
          inherit: [HF_TOKEN, TEAM_TOKEN]
          environment: {WANDB_API_KEY: given-secret-2, PIN: "${pin_key}", HUB: "${hub_token}"}
        b: {type: exec, command: [sh, -c, "true > outputs/out/x"], files: [two/rows.jsonl], outputs: {out: files}}
      """, to: "own.yaml")
    let environment = ["HF_TOKEN": "hf_inherited\"3", "TEAM_TOKEN": "cache-secret-4"]
    let run = try project.start(["run", "own.yaml"], environment: environment).1()
    #expect(run.code == 0, "\(run.messages)")
    let made = try project.start(["report-bug", "-o", "bug"], environment: environment).1()
    #expect(made.code == 0, "\(made.messages)")
    let folder = project.folder.path("bug")
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
      !$0.hasSuffix("logs") && $0 != "data"
    }
    let texts = try files.map { (name: $0, text: try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) }
    for secret in ["param-secret-1", "given-secret-2", "hf_inherited", "cache-secret-4", "zq12"] {
      for (name, text) in texts { #expect(!text.contains(secret), "\(secret) in \(name): \(text)") }
    }
    let log = try #require(texts.first { $0.name == "logs/a.log" }?.text)
    #expect(log.contains("$HF_TOKEN <WANDB_API_KEY> $TEAM_TOKEN"), "\(log)")
    let rows = try #require(texts.first { $0.name == "data/rows.jsonl" }?.text)
    let masked = try JSON(parsing: String(rows.split(separator: "\n")[0]))
    #expect(masked["messages"]?.array?.compactMap { $0["role"]?.string } == ["user", "assistant"])
    #expect(masked["type"]?.string == "text" && masked["label"]?.string == "xxxxxxx Xxxx Xxxxxxx")
    #expect(masked["ssn"]?.double == -999_999_999.9e9 && masked["Xxxx"]?.bool == true, "\(rows)")
    #expect(masked["xxxxx@xxxxxx.xx"]?.int == 9 && masked["from"]?["mail"]?.string == "xxxxx@xxxxxx.xx", "\(rows)")
    let letters = Set((masked["messages"]?.array?.first?["content"]?.string ?? "").unicodeScalars)
    #expect(letters.isSubset(of: Set("xX9 \u{301}".unicodeScalars)), "\(rows)")
    #expect(texts.first { $0.name == "data/rows-2.jsonl" }?.text == "xxxx,xxx\nXxxx,99\n\n", "\(files)")
  }

  @Test("pictures of programs are shown as images, and none that is too large")
  func foreignPictures() throws {
    let project = try Project(rows: 1)
    try project.folder.write(
      """
      echo '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(3)</script></svg>' > outputs/out/small.svg
      head -c 2000000 /dev/zero | tr '\\0' x > outputs/out/large.svg
      """, to: "draw.sh")
    try project.folder.write(
      "pipeline: own\nnodes:\n  a: {type: exec, command: [sh, draw.sh], files: [draw.sh], outputs: {out: files}}\n",
      to: "own.yaml")
    #expect(try project.anneal("run", "own.yaml").code == 0)
    let page = try project.anneal("report").output
    #expect(page.contains("a: small") && page.contains("src=\"data:image/svg+xml;base64,") && !page.contains("<script"))
    #expect(page.contains("The picture is too large for this page") && page.utf8.count < 100_000)
  }
}
