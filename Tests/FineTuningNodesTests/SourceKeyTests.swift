import Diagnostics
import FineTuningNodes
import Foundation
import Glibc
import Pipeline
import TestKit
import Testing

/// What decides a result is in the key: every file that a node opens is a source of it, in the role that it plays.
///
/// Files are changed, added, removed and renamed one after another; each time exactly the nodes that depend on it run,
/// `plan` says so beforehand, and what the store gives is what an empty one gives.
struct SourceKeyTests {
  private static let pipeline = """
    pipeline: keys
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer, template: DIR/own.jinja}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      given: {type: attach_adapter, model: base, from: DIR/adapter}
      said: {type: predict, model: given, tokenizer: tokenizer, prompts: [Who?], max_tokens: 2}
    outputs: [chat, said]
    """
  private static let all = "base chat given rows said tokenizer"
  private static let template = "{% for message in messages %}<|im_start|>{{ message.content }}<|im_end|>\n{% endfor %}"

  /// What is done to a file, and the nodes that run for it.
  private enum Edit: CustomStringConvertible {
    case append(String, to: String)
    case flip(String)
    case write(String, to: String)
    case remove(String)
    case rename(String, String)

    var description: String {
      switch self {
      case .append(_, let name): "append to \(name)"
      case .flip(let name): "flip a bit of \(name)"
      case .write(_, let name): "write \(name)"
      case .remove(let name): "remove \(name)"
      case .rename(let old, let new): "rename \(old) to \(new)"
      }
    }

    func perform(in folder: TemporaryFolder) throws {
      let files = FileManager.default
      switch self {
      case .append(let text, let name):
        try FileSystem().append(folder.path(name), Array(text.utf8))
      case .flip(let name):
        let url = URL(fileURLWithPath: folder.path(name))
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count - 2] ^= 1
        try bytes.write(to: url)
      case .write(let text, let name): try folder.write(text, to: name)
      case .remove(let name): try files.removeItem(atPath: folder.path(name))
      case .rename(let old, let new):
        let target = URL(fileURLWithPath: folder.path(new))
        try files.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try? files.removeItem(at: target)
        try files.moveItem(atPath: folder.path(old), toPath: target.path)
      }
    }
  }

  /// One after another in one folder, each seen by the store that has all before.
  private static let edits: [(Edit, String)] = [
    // What is no part of tokenizer or model is none of their sources.
    (.write("# A model\n", to: "tiny/README.md"), ""),
    (.write("{}", to: "tiny/other.json"), ""),
    (.write("no weights", to: "tiny/pytorch_model.bin"), ""),
    (.write("{}", to: "adapter/README.md"), ""),
    // White space changes what is copied, and nothing that is computed from it.
    (.append("\n", to: "tiny/tokenizer.json"), "base chat said tokenizer"),
    (.append("\n", to: "tiny/config.json"), "base given said"),
    // An end mark.
    (
      .write(#"{"eos_token_id": [266, 268, 264]}"#, to: "tiny/generation_config.json"), "base chat given said tokenizer"
    ),
    (
      .write(#"{"eos_token_id": [266, 268, 264], "top_k": 5}"#, to: "tiny/generation_config.json"),
      "base given said tokenizer"
    ),
    (.append("\n", to: "tiny/chat_template.jinja"), "base chat said tokenizer"),
    (.append("\n", to: "tiny/tokenizer_config.json"), "base chat said tokenizer"),
    (.write("{}", to: "tiny/special_tokens_map.json"), "base chat said tokenizer"),
    (.rename("tiny/special_tokens_map.json", "tiny/added_tokens.json"), "base chat said tokenizer"),
    (.write("T", to: "tiny/additional_chat_templates/tool_use.jinja"), "base chat said tokenizer"),
    (
      .rename("tiny/additional_chat_templates/tool_use.jinja", "tiny/additional_chat_templates/rag.jinja"),
      "base chat said tokenizer"
    ),
    // Back to what was there before.
    (.remove("tiny/additional_chat_templates/rag.jinja"), ""),
    (.remove("tiny/added_tokens.json"), ""),
    (.flip("tiny/model.safetensors"), "base given said"),
    (.append("\n", to: "adapter/adapter_config.json"), "given"),
    (.flip("adapter/adapter_model.safetensors"), "given said"),
    (.append("{# #}", to: "own.jinja"), "chat"),
    (.append("\n", to: "rows.jsonl"), "rows"),
    (
      .append(#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#, to: "rows.jsonl"),
      "chat rows"
    ),
  ]

  @Test func everyFileRunsExactlyTheNodesThatDependOnIt() throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.template, to: "own.jinja")
    #expect(try workspace.ran(Self.pipeline) == Self.all)
    #expect(try workspace.ran(Self.pipeline) == "")
    for (edit, expected) in Self.edits {
      try edit.perform(in: workspace.folder)
      let ran = try workspace.ran(Self.pipeline)
      #expect(ran == expected, "\(edit)")
    }
  }

  /// Settings in the role of others: the same bytes, another meaning.
  @Test func aRenameToAnotherRoleIsSeen() throws {
    for (old, new) in [
      ("tokenizer_config.json", "special_tokens_map.json"), ("generation_config.json", "special_tokens_map.json"),
      ("chat_template.jinja", "additional_chat_templates/default.jinja"),
    ] {
      let workspace = try TinyWorkspace()
      try workspace.folder.write(Self.template, to: "own.jinja")
      _ = try workspace.ran(Self.pipeline)
      try Edit.rename("tiny/" + old, "tiny/" + new).perform(in: workspace.folder)
      let ran = try workspace.ran(Self.pipeline.replacing("outputs: [chat, said]", with: "outputs: [chat]"))
      #expect(ran.hasSuffix("tokenizer"), "\(old) to \(new): \(ran)")
    }
  }

  /// Where a file lies and what the user calls it decides nothing; `load_model` runs to say where the weights are now.
  @Test func namesAndPlacesDecideNothing() throws {
    let workspace = try TinyWorkspace()
    let folder = workspace.folder
    try folder.write(Self.template, to: "own.jinja")
    try FileManager.default.copyItem(
      atPath: fixture("ModelFolders/tiny.gguf"), toPath: folder.path("g/a.gguf"), making: true)
    let gguf = """
      pipeline: g
      nodes:
        tokenizer: {type: load_tokenizer, from: DIR/g/a.gguf}
        base: {type: load_model, from: DIR/g/a.gguf, compute: f32}
      """
    _ = try workspace.ran(Self.pipeline)
    #expect(try workspace.ran(gguf) == "base tokenizer")
    // Another model beside it, and another name for it.
    try Edit.write("no model", to: "g/b.gguf").perform(in: folder)
    #expect(try workspace.ran(gguf) == "")
    try Edit.rename("g/a.gguf", "g/c.gguf").perform(in: folder)
    #expect(try workspace.ran(gguf.replacing("a.gguf", with: "c.gguf")) == "base")
    try Edit.remove("g/b.gguf").perform(in: folder)
    #expect(try workspace.ran(gguf.replacing("/a.gguf", with: "")) == "")

    try Edit.rename("own.jinja", "other.txt").perform(in: folder)
    try Edit.rename("rows.jsonl", "rows.txt").perform(in: folder)
    try Edit.rename("tiny", "elsewhere").perform(in: folder)
    try Edit.rename("adapter", "lora").perform(in: folder)
    let moved = Self.pipeline.replacing("own.jinja", with: "other.txt").replacing("rows.jsonl", with: "rows.txt")
      .replacing("DIR/tiny", with: "DIR/elsewhere").replacing("DIR/adapter", with: "DIR/lora")
    #expect(try workspace.ran(moved) == "base")
  }

  /// Sharded weights can be computed with, and their index is a source.
  @Test func shardsAndTheirIndexAreSources() throws {
    let workspace = try TinyWorkspace()
    try FileManager.default.copyItem(atPath: fixture("ModelFolders/sharded"), toPath: workspace.folder.path("shards"))
    let text = """
      pipeline: shards
      nodes:
        base: {type: load_model, from: DIR/shards, compute: f32}
        lora: {type: attach_adapter, model: base, rank: 2}
        merged: {type: merge, model: lora}
      """
    #expect(try workspace.ran(text) == "base lora merged")
    try Edit.append("\n", to: "shards/model.safetensors.index.json").perform(in: workspace.folder)
    #expect(try workspace.ran(text) == "base lora merged")
    try Edit.flip("shards/model-00002-of-00003.safetensors").perform(in: workspace.folder)
    #expect(try workspace.ran(text) == "base lora merged")
  }

  /// Two models with the same tokenizer files and other end marks, in turn in one store.
  @Test func modelsWithEqualTokenizerFilesDoNotDisturbEachOther() throws {
    let workspace = try TinyWorkspace()
    try FileManager.default.copyItem(atPath: workspace.folder.path("tiny"), toPath: workspace.folder.path("twin"))
    try workspace.folder.write(#"{"eos_token_id": [266, 268, 264]}"#, to: "twin/generation_config.json")
    let text = """
      pipeline: twins
      nodes:
        tokenizer: {type: load_tokenizer, from: DIR/tiny}
        base: {type: load_model, from: DIR/tiny, compute: f32}
        said: {type: predict, model: base, tokenizer: tokenizer, prompts: [Who?], max_tokens: 2}
      """
    let twin = text.replacing("DIR/tiny", with: "DIR/twin")
    #expect(try workspace.ran(text) == "base said tokenizer")
    #expect(try workspace.ran(twin) == "base said tokenizer")
    #expect(try workspace.ran(text) == "")
    #expect(try workspace.ran(twin) == "")
  }

  /// `from: model/tokenizer.json` sees what lies beside it; a file of another name is read itself, alone where the
  /// folder has a `tokenizer.json`.
  @Test func aTokenizerFileIsReadItself() throws {
    let workspace = try TinyWorkspace()
    let text = "pipeline: t\nnodes:\n  tokenizer: {type: load_tokenizer, from: DIR/tiny/tokenizer.json}\n"
    #expect(try workspace.ran(text) == "tokenizer")
    #expect(try workspace.ran(text.replacing("/tokenizer.json", with: "")) == "")
    try Edit.append("\n", to: "tiny/chat_template.jinja").perform(in: workspace.folder)
    #expect(try workspace.ran(text) == "tokenizer")

    try FileManager.default.copyItem(
      atPath: fixture("Tokenization/small-smollm.json"), toPath: workspace.folder.path("tiny/other.json"))
    let other = text.replacing("tokenizer.json", with: "other.json")
    let summary = try workspace.run(other)
    let made = try #require(summary.nodes.first?.result?.outputs["tokenizer"])
    #expect(made.members.map(\.path) == ["tokenizer.json"])
    let bytes = try Data(contentsOf: URL(fileURLWithPath: workspace.folder.path("tiny/other.json")))
    #expect(made.members.map(\.blob.digest) == [Digest(of: Array(bytes))])
  }

  /// The files that nodes open are the files that they named as sources: the kernel says which were opened.
  @Test func nothingIsOpenedThatIsNoSource() throws {
    let workspace = try TinyWorkspace()
    let folder = workspace.folder
    try folder.write(Self.template, to: "own/own.jinja")
    try Edit.rename("rows.jsonl", "data/rows.jsonl").perform(in: folder)
    try FileManager.default.copyItem(atPath: fixture("ModelFolders/sharded"), toPath: folder.path("shards"))
    // What somebody might look at.
    for name in [
      "README.md", "other.json", "tokenizer.model", "params.json", "preprocessor_config.json", "pytorch_model.bin",
      "model-00009-of-00009.safetensors",
    ] {
      for place in ["tiny", "shards", "adapter", "own", "data"] { try folder.write("{}", to: "\(place)/\(name)") }
    }
    let text = Self.pipeline.replacing("own.jinja", with: "own/own.jinja").replacing(
      "rows.jsonl", with: "data/rows.jsonl"
    )
    .replacing("outputs: [chat, said]", with: "  more: {type: load_model, from: DIR/shards, compute: f32}\n")
    let places = ["tiny", "shards", "adapter", "own", "data"].map(folder.path)
    let watch = try OpenWatch(places)
    let summary = try workspace.run(text)
    #expect(summary.state == .done)
    let opened = watch.opened()
    let sources = Set(try workspace.pipeline(text).nodes.flatMap { $0.sources.map(\.path) })
    #expect(opened.subtracting(sources) == [])
    // The watch does see.
    #expect(sources.subtracting(opened) == [])
  }
}

extension TinyWorkspace {
  /// Runs a pipeline here and in an empty store; gives the nodes that ran here, in the order of their names.
  ///
  /// Expects that `plan` foresaw them and that both stores end with the same artefacts.
  fileprivate func ran(_ text: String) throws -> String {
    let plan = try Planner(store: store).plan(pipeline(text))
    let summary = try run(text)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).rendered())")
    let ran = Set(summary.nodes.filter { $0.state == .ran }.map(\.name))
    #expect(Set(plan.willRun.map(\.name)).isSubset(of: ran))
    #expect(ran.isSubset(of: Set((plan.willRun + plan.mayRun).map(\.name))))
    let empty = Store(path: folder.path("store-\(UUID().uuidString)"), files: FileSystem(isDurable: false))
    let fresh = try run(text, in: empty)
    for (node, other) in zip(summary.nodes, fresh.nodes) {
      #expect(node.result?.digests == other.result?.digests, "\(node.name) is another in an empty store")
    }
    try FileManager.default.removeItem(atPath: empty.path)
    return ran.sorted().joined(separator: " ")
  }
}

extension FileManager {
  fileprivate func copyItem(atPath source: String, toPath target: String, making: Bool) throws {
    let folder = URL(fileURLWithPath: target).deletingLastPathComponent()
    if making { try createDirectory(at: folder, withIntermediateDirectories: true) }
    try copyItem(atPath: source, toPath: target)
  }
}

/// Which files of some folders are opened by anybody, as the kernel tells it (inotify(7)).
private final class OpenWatch {
  private let descriptor: Int32
  private var folders: [Int32: String] = [:]

  init(_ folders: [String]) throws {
    descriptor = inotify_init1(Int32(IN_NONBLOCK))
    for folder in folders {
      let watch = inotify_add_watch(descriptor, folder, UInt32(IN_OPEN))
      try #require(watch >= 0)
      self.folders[watch] = folder
    }
  }

  deinit { close(descriptor) }

  /// The paths of the files that were opened so far.
  func opened() -> Set<String> {
    var found: Set<String> = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return found }
      buffer.withUnsafeBytes { bytes in
        var offset = 0
        while offset < count {
          let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
          let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
          let name = bytes[(offset + 16)..<(offset + 16 + length)].prefix { $0 != 0 }
          // A folder that is listed has no name here.
          if !name.isEmpty, let folder = folders[watch] {
            found.insert("\(folder)/\(String(decoding: name, as: UTF8.self))")
          }
          offset += 16 + length
        }
      }
    }
  }
}
