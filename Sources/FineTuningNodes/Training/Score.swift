import Pipeline
import PreciseJSON
import Training

/// Asks a reference or a teacher about rows, once for all that is trained and measured with its answers.
package enum Score: NodeType {
  package struct Fields: FieldSet {
    var kind = ScoreKind.pairs
    var tailWeight = 1.0
    var mismatched = true
    var count = 16
    var temperature = 1.0
    var threads: Int?

    package init() {}

    private static let whenLikeliest = FieldCondition.when("of", [ScoreKind.likeliest.rawValue])

    package static let fields: [Field<Self>] = [
      Field(
        "of", \.kind, required: true,
        doc:
          "What is wanted: log-probabilities of the answers of `pairs` (for `stage: dpo`), of judged `answers` (`kto`), or "
          + "the `likeliest` tokens at each label (`distillation`)"),
      Field(
        "ld_alpha", \.tailWeight, in: 0...1.0, for: .when("of", [ScoreKind.pairs.rawValue]),
        doc: "What a token beyond the length of the shorter answer counts; as that of the stage"),
      Field(
        "mismatched", \.mismatched, for: .when("of", [ScoreKind.answers.rawValue]),
        doc: "Asks of answers behind other prompts, too; the loss `kto` wants them"),
      Field("top_k", \.count, in: 1...65_536, unit: "tokens", for: whenLikeliest, doc: "Tokens a label"),
      Field("temperature", \.temperature, in: .above(0), for: whenLikeliest, doc: "What logits are divided by"),
      Field(
        "threads", \.threads, in: 1...128, role: .speed,
        doc: "Threads to compute with; the result never depends on it"),
    ]

    /// The fields that decide the scores, with their values.
    fileprivate var settings: [(field: String, value: String)] {
      switch kind {
      case .pairs: Score.pairs(tailWeight: tailWeight).settings
      case .answers: [("mismatched", String(mismatched))]
      case .likeliest: Score.likeliest(port: "teacher", count: count, temperature: temperature).settings
      }
    }
  }

  /// A number as a pipeline file would have it.
  private static func text(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? JSON(number).text()
  }

  /// What a stage wants of pairs.
  static func pairs(tailWeight: Double) -> WantedScores {
    WantedScores(
      port: StageModel.reference.port, kind: .pairs, settings: [("ld_alpha", text(tailWeight))])
  }

  /// What a stage wants of judged answers.
  static func answers(withMismatched: Bool) -> WantedScores {
    WantedScores(
      port: StageModel.reference.port, kind: .answers, settings: withMismatched ? [("mismatched", "true")] : [])
  }

  /// What a stage wants of labels.
  static func likeliest(port: String, count: Int, temperature: Double) -> WantedScores {
    WantedScores(
      port: port, kind: .likeliest,
      settings: [("top_k", String(count)), ("temperature", text(temperature))])
  }

  package static let name = "score"
  package static let summary = "Asks a reference or a teacher about rows, once for all that trains and measures with it"
  package static let implementationVersion = 1
  package static let parts = ReferenceScores.parts
  package static let inputs = [
    InputPort("model", [ArtefactName.model], doc: "The model that is asked"),
    InputPort("data", [ArtefactName.tokens], list: true, doc: "The rows, of one kind; those held out as well"),
  ]
  package static let outputs = [
    OutputPort(
      "scores", ArtefactName.scores,
      doc: "What the model gives to the rows, for the ports `reference` and `teacher` of `train` and `evaluate`")
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let conflicts = (inputs.ports["data"] ?? []).flatMap { source in
      var one = inputs
      one.ports["data"] = [source]
      return DataFit.conflicts(one, data: "data", wants: [fields.kind.rows])
    }
    let tooMany = fields.kind == .likeliest ? WantedScores.conflicts(fields.count, at: "model", inputs) : []
    return Inference(outputs: ["scores": type(fields, inputs["model"]?.type)], conflicts: conflicts + tooMany)
  }

  /// What is known of the model stays known of its scores.
  private static func type(_ fields: Fields, _ model: ArtefactType?) -> ArtefactType {
    var type = ArtefactType(ArtefactName.scores)
    for facet in [FacetName.vocabulary, FacetName.tokenizer] { type.facets[facet] = model?[facet] }
    type.facets[FacetName.scores] = .text(fields.kind.rawValue)
    for (field, value) in fields.settings { type.facets["\(FacetName.scores).\(field)"] = .text(value) }
    return type
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let reference = try ModelArtefact(context, threads: fields.threads)
    let asked = ReferenceScores(reference: reference, context: context)
    let output = try context.output("scores")
    func write<Value: StoredScore>(_ scores: [Value], _ name: String = Value.member, of data: ArtefactView) throws {
      try output.write(Value.bytes(of: scores), to: "\(ScoreSet.folder(of: data))/\(name)")
    }
    for data in context.inputs("data") {
      let what = fields.kind.rows.unit
      switch fields.kind {
      case .pairs: try write(asked.scores(of: data, what: what, tailWeight: fields.tailWeight), of: data)
      case .answers:
        let found = try asked.judged(of: data, what: what, withMismatched: fields.mismatched)
        try write(found.answers, of: data)
        if fields.mismatched { try write(found.mismatched, ScoreSet.mismatched, of: data) }
      case .likeliest:
        try write(
          asked.likeliest(of: data, what: what, count: fields.count, temperature: fields.temperature), of: data)
      }
    }
    output.set(type: type(fields, reference.view.type))
    output.details[ScoreSet.model] = JSON(reference.view.digest.hex)
  }
}
