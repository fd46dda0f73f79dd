import Datasets
import Diagnostics
import Pipeline
import PreciseJSON
import TokenShards
import Tokenization

/// Turns rendered rows into token shards, record group by record group.
package enum Tokenize: NodeType {
  package struct Fields: FieldSet {
    var maxLength = 1024
    var overlong = Overlong.error
    var packing = false
    var fillRows = false
    var validation = 0.0

    package init() {}

    package static let fields: [Field<Self>] = [
      Field("max_length", \.maxLength, in: 2...1_048_576, unit: "tokens", doc: "The most tokens of a row"),
      Field(
        "overlong", \.overlong, for: .when("fill_rows", ["false"]),
        doc: "What happens to longer rows: `error` names them, `drop` leaves them out, `truncate` cuts turn by turn as "
          + "LLaMA-Factory does"),
      Field(
        "packing", \.packing, for: .when("fill_rows", ["false"]),
        doc: "Puts several conversations or texts into one row of up to `max_length` tokens; they never see each other"),
      Field(
        "fill_rows", \.fillRows, since: Birth(default: false),
        doc: "Texts fill rows to the last of `max_length` tokens: one that does not fit is cut there and goes on, as a "
          + "sequence of its own, in the next row; nothing is left out"),
      Field(
        "validation", \.validation, in: 0...0.9, unit: "share of the rows",
        doc: "Holds rows out; which ones depends on each row alone"),
    ]
  }

  package static let name = "tokenize"
  package static let summary = "Turns rendered rows into token shards, cut, packed and split"
  package static let implementationVersion = 3
  /// A group's tokens are published by themselves, so that appending rows tokenises the last group alone.
  package static let parts = [group]
  private static let group = Part.work("group")
  package static let inputs = [
    InputPort("conversations", [ArtefactName.conversations], doc: "Rendered rows"),
    InputPort("tokenizer", [ArtefactName.tokenizer], doc: "The tokenizer they were rendered for"),
  ]
  package static let outputs = [
    OutputPort("train", ArtefactName.tokens, doc: "Rows to learn from"),
    OutputPort("validation", ArtefactName.tokens, doc: "Rows held out"),
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var facets: [String: Facet] = [:]
    var conflicts: [Inference.Conflict] = []
    if let conversations = inputs["conversations"]?.type {
      facets = conversations.facets
      if let own = inputs["tokenizer"]?.type[FacetName.tokenizer], let theirs = facets[FacetName.tokenizer],
        own != theirs
      {
        conflicts.append(
          .init(
            port: "tokenizer", "The rows were rendered for another tokenizer",
            reason: "theirs is \(theirs), this one is \(own)", advice: "name the same tokenizer in both nodes"))
      }
    }
    if fields.packing, let kind = facets[FacetName.kind]?.text.flatMap(Record.Kind.init), !kind.isPacked {
      conflicts.append(
        .init(
          port: "packing", "`packing` has no effect on rows of kind `\(kind.rawValue)`",
          reason: "pairs, judged answers and prompts stay rows of their own", advice: "take the line out"))
    }
    if fields.fillRows, let kind = facets[FacetName.kind]?.text.flatMap(Record.Kind.init), kind != .text {
      conflicts.append(
        .init(
          port: "fill_rows", "`fill_rows` takes texts, not rows of kind `\(kind.rawValue)`",
          reason: "an answer that goes on in the next row would stand there without its question",
          advice: "say `packing: true`, which puts whole conversations together"))
    }
    facets[FacetName.length] = .integer(fields.maxLength)
    return Inference(outputs: types(facets, fields), conflicts: conflicts)
  }

  private static func types(_ facets: [String: Facet], _ fields: Fields) -> [String: ArtefactType] {
    let train = ArtefactType(ArtefactName.tokens, facets)
    var validation = train
    if fields.validation == 0 { validation.facets[FacetName.share] = "none" }
    return ["train": train, "validation": validation]
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let conversations = try context.input("conversations")
    let tokenizerView = try context.input("tokenizer")
    let tokenizer = try context.tokenizer()
    var options = GroupTokenizer.Options(
      maxLength: fields.maxLength, overlong: fields.overlong, packs: fields.packing,
      split: ValidationSplit(share: fields.validation))
    options.fills = fields.fillRows
    let worker = GroupTokenizer(tokenizer: tokenizer, options: options)
    let isText = conversations.type[FacetName.kind]?.text == Record.Kind.text.rawValue
    let train = try context.output("train")
    let validation = try context.output("validation")
    var report = TokenizeReport()
    var made = 0
    for (index, name) in conversations.members.enumerated() {
      let member = try conversations.member(name)
      try context.checkCancellation()
      let firstRow = report.records + 1
      let group = try context.memo(
        Self.group,
        reads: [
          ("conversations", .digest(member.blob.digest)), ("tokenizer", .digest(tokenizerView.digest)),
          ("text", .bool(isText)),
        ],
        type: ArtefactType("token_group")
      ) { builder in
        made += 1
        let lines = try readGroup(conversations, name)
        let result = try worker.tokenize(
          lines: lines, isText: isText, firstRow: firstRow, file: context.nodeName, threads: context.threads)
        try write(result.train, to: builder.path(for: "train.tokens"))
        try write(result.validation, to: builder.path(for: "validation.tokens"))
        builder.details["report"] = result.report.json
      }
      guard let part = group.details["report"].flatMap(TokenizeReport.init(json:)) else {
        throw DatasetError(.damagedGroup(reason: "its report is missing"), file: context.nodeName)
      }
      report.add(part)
      let shard = shardName(index)
      if part.train.rows > 0 { try train.include("train.tokens", from: group, as: shard) }
      if part.validation.rows > 0 { try validation.include("validation.tokens", from: group, as: shard) }
      context.progress(
        ProgressUpdate(step: index + 1, total: conversations.members.count, unit: "groups"))
    }
    guard report.train.rows > 0 else {
      throw DatasetError(
        .nothingLeft(
          reason: "of \(report.records) rows, \(report.droppedRecords) were dropped as too long and "
            + "\(report.recordsWithoutLabels) had nothing to learn from, and \(report.validation.rows) rows are held out"
        ),
        file: context.nodeName)
    }
    try publish(report, fields, conversations, tokenizer, train, validation)
    let groups = conversations.members.count
    context.log("\(made) of \(groups) record groups tokenised" + (made < groups ? "; the others were known" : ""))
    describe(report, to: context)
  }

  private static func publish(
    _ report: TokenizeReport, _ fields: Fields, _ conversations: ArtefactView, _ tokenizer: Tokenizer,
    _ train: ArtefactBuilder, _ validation: ArtefactBuilder
  ) throws {
    var facets = conversations.type.facets
    facets[FacetName.vocabulary] = .integer(tokenizer.vocabularySize)
    facets[FacetName.length] = .integer(fields.maxLength)
    let types = types(facets, fields)
    train.set(type: types["train"] ?? ArtefactType(ArtefactName.tokens))
    validation.set(type: types["validation"] ?? ArtefactType(ArtefactName.tokens))
    for output in [train, validation] {
      ConversationFormat.take(from: conversations.details, into: &output.details)
    }
    train.details["counts"] = report.train.json
    validation.details["counts"] = report.validation.json
    train.details["report"] = report.json
    let stops = try StopToken.detail(of: tokenizer)
    for output in [train, validation] { output.details[StopToken.detail] = stops }
  }

  private static func write(_ rows: [TokenRow], to path: String) throws {
    let writer = try TokenShardWriter(path: path)
    for row in rows { try writer.append(row) }
    _ = try writer.finish()
  }

  private static func shardName(_ index: Int) -> String {
    let digits = String(index)
    return "shard-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".tokens"
  }

  private static func describe(_ report: TokenizeReport, to context: NodeContext) {
    context.log(
      "\(report.records) rows → \(report.train.rows) to learn from (\(report.train.tokens) tokens, "
        + "\(report.train.labels) labels), \(report.validation.rows) held out")
    if report.cuts > 0 {
      context.log("\(report.cuts) times a text was cut at the end of a row and goes on in the next")
    }
    let (wanted, unwanted) = (report.train.wanted, report.train.unwanted)
    if wanted + unwanted > 0 {
      context.log("of the answers to learn from \(wanted) are wanted and \(unwanted) are not")
    }
    func warn(_ count: Int, _ summary: String, _ reason: String? = nil) {
      if count > 0 {
        context.warn(Diagnostic(.warning, code: "rows-changed", "\(count) rows \(summary)", reason: reason))
      }
    }
    warn(
      report.truncatedRecords, "were cut to `max_length`",
      "\(report.truncatedTokens) tokens were cut and \(report.droppedTurns) turns dropped")
    warn(report.droppedRecords, "were longer than `max_length` and left out")
    warn(report.recordsWithoutLabels, "were left out since nothing in them is learned")
    warn(report.pairsWithoutDifference, "were left out since cutting made their two answers the same")
  }
}

extension Overlong: FieldChoice {}
