import Foundation
import TestKit
import Testing

/// `to:` of an export.
@Suite struct ExportPlaceTests {
  @Test func copiesGoWhereTheySay() throws {
    let project = try Project(rows: 8)
    func names(_ folder: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: project.folder.path(folder)).sorted()
    }
    // Not there yet, with folders above it that are not there either.
    let first = try project.anneal("run", "pipeline.yaml", "--set", "nodes.release.to=deep/inside/release")
    #expect(first.code == 0, "\(first.messages)")
    let files = try names("deep/inside/release")
    #expect(files.contains("config.json") && files.contains("model.safetensors"))
    #expect(try names("deep/inside") == ["release"])
    // A file in its place: one clear error, and nothing left beside it.
    try project.folder.write("mine", to: "taken/release")
    let taken = try project.anneal("run", "pipeline.yaml", "--set", "nodes.release.to=taken/release")
    #expect(taken.code == 2)
    #expect(taken.messages.contains("error: The folder `taken/release` is no place for an export"))
    #expect(taken.messages.contains("a file stands there"))
    #expect(try names("taken") == ["release"])
    // Edits of the user's stay as long as the export is the same.
    try project.folder.write("mine", to: "deep/inside/release/notes.txt")
    let again = try project.anneal("run", "pipeline.yaml", "--set", "nodes.release.to=deep/inside/release/")
    #expect(again.code == 0)
    #expect(try names("deep/inside/release") == (files + ["notes.txt"]).sorted())
  }

  /// What goes on a folder is told before anything runs, and by every command.
  @Test func foldersThatAreNotTheExportsOwnAreRefused() throws {
    let project = try Project(rows: 2)
    func validated(_ first: String, _ second: String?) throws -> Project.Outcome {
      var text = Project.pipeline.replacing(
        "release: {type: export,", with: "release: {type: export, to: \(first),")
      if let second {
        text = text.replacing(
          "outputs: [quality, release]",
          with: """
              adapter: {type: export, model: sft, tokenizer: tokenizer, to: \(second)}
            outputs: [release, adapter]
            """)
      }
      try project.folder.write(text, to: "places.yaml")
      return try project.anneal("validate", "places.yaml")
    }
    let manager = FileManager.default
    try manager.createDirectory(atPath: project.folder.path("real"), withIntermediateDirectories: true)
    try manager.createSymbolicLink(atPath: project.folder.path("link"), withDestinationPath: "real")
    try manager.createSymbolicLink(atPath: project.folder.path("nowhere"), withDestinationPath: "gone")
    try project.folder.write("{}", to: "mine/config.json")
    let same = try validated("out", "out")
    #expect(same.code == 2)
    #expect(
      same.messages == """
        places.yaml:17:65: error: Two nodes put their files into one folder, `out`
              adapter: {type: export, model: sft, tokenizer: tokenizer, to: out}
                                                                            ^
          at `nodes.adapter.to`
          why: each would replace or remove files of the other's
          try: Give each a folder of its own
          see: places.yaml:16:31: node `release` puts its files into `out` here

        """)
    let refused: [(String, String?, String)] = [
      ("out", "./out/", "Two nodes put their files into one folder, `./out/`, which is `out` too"),
      ("out", project.folder.path("x/../out"), "Two nodes put their files into one folder"),
      ("real", "link", "Two nodes put their files into one folder, `link`, which is `real` too"),
      ("real/new", "link/new", "Two nodes put their files into one folder"),
      ("out", "out/adapter", "of which one lies in the other: `out` and `out/adapter`"),
      ("link/a/b", "real/a", "of which one lies in the other"),
      ("tiny", nil, "The folder `tiny` holds what the pipeline reads"),
      (".", nil, "The folder `.` holds what the pipeline reads"),
      ("mine", nil, "The folder `mine` holds files of a model that no run of this project put there"),
      (".anneal", nil, "The folder `.anneal` is no place for an export"),
      ("results/tiny/release", nil, "The folder `results/tiny/release` is no place for an export"),
      ("store/x", nil, "The folder `store/x` is no place for an export"),
      ("nowhere", nil, "a link stands there that leads nowhere"),
      ("data.jsonl/x", nil, "The folder `data.jsonl/x` is no place for an export"),
      ("~/x", nil, "`~/x` would be a folder named `~`"),
      (#""a\0b""#, nil, "The path has a zero byte in it"),
    ]
    for (first, second, words) in refused {
      let outcome = try validated(first, second)
      #expect(outcome.code == 2 && outcome.messages.contains(words), "\(first), \(second ?? ""): \(outcome.messages)")
    }
    for (first, second) in [("out", "out2"), ("a/x", "a/y"), ("results/other", nil)] as [(String, String?)] {
      let outcome = try validated(first, second)
      #expect(outcome.code == 0, "\(first), \(second ?? ""): \(outcome.messages)")
    }
  }

  /// A changed export replaces the files of the one before, and only those.
  @Test func aFolderIsOursAfterAKillToo() throws {
    let project = try Project(rows: 8)
    try project.edit("epochs: 3", "max_steps: 1")
    try project.edit("release: {type: export,", "release: {type: export, to: out,")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    try project.edit("learning_rate: 1e-3", "learning_rate: 2e-3")
    let again = try project.anneal("run", "pipeline.yaml")
    #expect(again.code == 0, "\(again.messages)")
  }
}
