import Datasets
import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards

/// What each node type makes, as a digest that stands beside its implementation version.
///
/// A change of an output under the same version would mix old and new results in stores that are shared: raise
/// `implementationVersion` of the type, then put the new line into the table.
///
/// The digest is over content that no machine changes: records and token rows instead of their compressed bytes (the
/// compressor's version shows in those), measured numbers rounded, and training from an adapter of exact numbers with a
/// learning rate of 0. What training computes is held against PyTorch in TrainingTests.
struct OutputTests {
  private static let pipeline = """
    pipeline: outputs
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens:
        {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100, packing: true, validation: 0.5}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      larger: {type: expand_model, model: base, blocks: 1}
      fresh: {type: attach_adapter, model: base, rank: 2}
      given: {type: attach_adapter, model: base, from: DIR/adapter}
      known: {type: score, of: likeliest, model: given, data: tokens.validation, top_k: 2}
      still: {type: train, model: given, data: tokens.train, max_steps: 2, batch_size: 2, learning_rate: 0}
      quality: {type: evaluate, model: given, data: tokens.validation}
      answers: {type: predict, model: base, tokenizer: tokenizer, prompts: [Who are you?], max_tokens: 8}
      both: {type: merge_adapters, models: [given, given], weights: [1, 0.5]}
      merged: {type: merge, model: given}
      mixed: {type: merge_models, models: [base, merged], weights: [0.5, 0.25], normalize: false}
      folder: {type: export, model: merged, tokenizer: tokenizer}
      adapter_folder: {type: export, model: given, tokenizer: tokenizer}
      program:
        {type: exec, command: [sh, -c, 'cp -rL inputs/rows/. outputs/copy'], inputs: {rows: rows}, outputs: {copy: files}}
    """

  /// Node, implementation version of its type, digest of what it makes.
  private static let table = """
    adapter_folder 3 6247fd3e7b70
    answers 6 e257831e4dd7
    base 2 621f14d7e614
    both 1 363a2d84aa05
    chat 3 1e4ca982f3cd
    folder 3 3a4f61895bb8
    fresh 2 08a85a32309b
    given 2 a6effcc03c7a
    known 1 e91499909098
    larger 1 0afb9cb012bf
    merged 2 d15e0ceffce4
    mixed 1 012538c25961
    program 1 cb3f2bb9e2af
    quality 7 b0fe2d1e3497
    rows 4 25ac1990b95f
    still 9 27a694152308
    tokenizer 2 792e299a1ff9
    tokens 3 4b9106a30a83
    """

  @Test func outputsAreTheSameUnderTheSameVersion() throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(Self.pipeline)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let here = ComputeClass.f32.name(on: try KernelSet.chosenByEnvironment())
    var found: [String] = []
    for node in summary.nodes.sorted(by: { $0.name < $1.name }) {
      let type = try #require(fineTuningNodes[node.type])
      let content = try (node.result?.outputs ?? [:]).sorted { $0.key < $1.key }.map { port, artefact in
        "\(port)\n" + (try Content.text(ArtefactView(artefact, in: workspace.store)))
      }
      let neutral = content.joined().replacing(here, with: ComputeClass.f32.rawValue)
      let digest = Digest(of: Array(neutral.utf8)).short
      found.append("\(node.name) \(type.implementationVersion) \(digest)")
    }
    #expect(
      found.joined(separator: "\n") == Self.table,
      "raise `implementationVersion` of each type whose output changed, then put the new lines into the table")
  }

  @Test func everyTypeIsInTheTable() throws {
    let pipeline = try TinyWorkspace().pipeline(Self.pipeline)
    #expect(Set(pipeline.nodes.map(\.type.name)) == Set(fineTuningNodes.names))
  }

  /// What a node is called decides nothing, so it may not show in what it makes.
  @Test func namesOfNodesLeaveNoTrace() throws {
    var digests: Set<[String]> = []
    for name in ["one", "another"] {
      let workspace = try TinyWorkspace()
      var text = Self.pipeline
      for node in ["tokens", "given", "still", "answers", "merged", "folder"] {
        text = text.replacing(": \(node)", with: ": \(name)_\(node)").replacing(
          "  \(node):", with: "  \(name)_\(node):"
        ).replacing("[\(node), \(node)]", with: "[\(name)_\(node), \(name)_\(node)]")
          .replacing(", \(node)]", with: ", \(name)_\(node)]")
      }
      let summary = try workspace.run(text)
      digests.insert(
        summary.nodes.filter { $0.type != "train" }.flatMap { ($0.result?.digests ?? [:]).values.map(\.hex) }.sorted())
    }
    #expect(digests.count == 1)
  }

  @Test func theFormatOfADatasetIsLogged() throws {
    let workspace = try TinyWorkspace()
    _ = try workspace.run("pipeline: p\nnodes:\n  rows: {type: load_dataset, from: DIR/rows.jsonl}\n")
    let log = try String(contentsOfFile: workspace.folder.path("rows.log"), encoding: .utf8)
    #expect(
      log == """
        format `messages`: `messages` is a list of objects with `role`
        columns read: `messages` (6 rows); not there: [`system`, `tools`, `label`]
        6 rows in 1 record groups

        """)
  }
}

/// What an artefact says, in a text that is the same on every machine.
private enum Content {
  static func text(_ view: ArtefactView) throws -> String {
    var parts = ["\(view.type.name) \(view.type.facets.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })"]
    parts.append(rounded(.object(view.details)).text(JSONLayout(sortedKeys: true)))
    for member in view.members {
      parts.append("\(member): \(try text(member, at: view.path(of: member)))")
    }
    return parts.joined(separator: "\n") + "\n"
  }

  private static func text(_ member: String, at path: String) throws -> String {
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    switch URL(fileURLWithPath: member).pathExtension {
    case "zst": return try bytes.withUnsafeBytes { try GroupFile.lines($0, file: member) }.joined(separator: "\n")
    case "tokens":
      let reader = try TokenShardReader(path: path)
      return try (0..<reader.rowCount).map { index in
        try reader.row(index).sequences.map { "\($0.role) \($0.ids) \($0.lossMask)" }.joined(separator: "; ")
      }.joined(separator: "\n")
    case "json": return rounded(try JSON(parsing: bytes, file: member)).text(JSONLayout(sortedKeys: true))
    // Ids and measured numbers: how many they are.
    case "bin": return "\(bytes.count)"
    case "jsonl":
      return try bytes.split(separator: 0x0A).map { rounded(try JSON(parsing: Array($0), file: member)).text() }
        .joined(separator: "\n")
    // The curve's coordinates follow the numbers above.
    case "svg": return String(decoding: bytes.prefix(4), as: UTF8.self)
    default: return Digest(of: bytes).hex
    }
  }

  /// Of the model that scores were made with.
  private static func isDigest(_ member: (key: String, value: JSON)) -> Bool {
    member.key == "model" && member.value.string.flatMap { Digest(hex: $0) } != nil
  }

  /// Numbers with two decimals, without those that a clock decides, words that repeat numbers, and digests that hang on the
  /// class of arithmetic.
  private static func rounded(_ json: JSON) -> JSON {
    if let object = json.object {
      return JSON(
        object.members.filter { !["tokens_per_second", "seconds", "summary"].contains($0.key) && !isDigest($0) }
          .map { (key: $0.key, value: rounded($0.value)) })
    }
    if let list = json.array { return .array(list.map(rounded)) }
    if json.int == nil, let number = json.double { return JSON((number * 100).rounded() / 100) }
    return json
  }
}
