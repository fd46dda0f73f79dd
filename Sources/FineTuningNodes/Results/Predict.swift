import ChatTemplates
import Decoding
import Generation
import Pipeline
import TokenShards
import Tokenization

/// Lets a model answer prompts.
package enum Predict: NodeType {
  package struct Fields: FieldSet {
    var prompts: [String] = []
    var system: String?
    var date: String?
    var maxTokens = 256
    var temperature = 0.0
    var topK: Int?
    var topP: Double?
    var repetitionPenalty = 1.0
    var seed = 42
    var threads: Int?

    package init() {}

    package static let fields: [Field<Self>] = [
      Field("prompts", \.prompts, doc: "What the user says, one conversation each"),
      Field("system", \.system, doc: "The system text of every conversation"),
      Field(
        "date", \.date, unit: "YYYY-MM-DD",
        doc: "The day that templates which print today's date are rendered for; that of the training unless given, and "
          + "\(ConversationFormat.defaultDate) for a model that was not trained here"),
      Field("max_tokens", \.maxTokens, in: 1..., unit: "tokens", doc: "The longest answer"),
      Field(
        "temperature", \.temperature, in: 0.0..., doc: "0 always takes the likeliest token; 1 samples as the model says"
      ),
      Field("top_k", \.topK, in: 1..., doc: "Samples from this many of the likeliest tokens only"),
      Field(
        "top_p", \.topP, in: 0...1.0, doc: "Samples from the likeliest tokens that together reach this probability"),
      Field(
        "repetition_penalty", \.repetitionPenalty, in: .above(0), doc: "Above 1 makes tokens of the text less likely"),
      Field("seed", \.seed, in: 0..., doc: "Decides what is sampled"),
      Field(
        "threads", \.threads, in: 1...128, role: .speed,
        doc: "Threads to compute with; the result never depends on it"),
    ]
  }

  package static let name = "predict"
  package static let summary = "Lets a model answer prompts, in its own chat template"
  package static let implementationVersion = 6
  package static let inputs = [
    InputPort("model", [ArtefactName.model], doc: "The model that answers"),
    InputPort("tokenizer", [ArtefactName.tokenizer], doc: "Its tokenizer, with the chat template"),
    InputPort(
      "data", [ArtefactName.tokens], optional: true,
      doc: "Conversations whose last answers are asked for again; `answers.jsonl` has the row's own as `label`"),
  ]
  package static let outputs = [
    OutputPort("answers", ArtefactName.answers, doc: "`answers.jsonl`, an object a prompt, and `answers.md` to read")
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var conflicts = DataFit.tokenizerConflicts(inputs)
    if let date = fields.date, TemplateClock(date: date) == nil { conflicts.append(.noDate("date", date)) }
    // The template that a model was trained with goes before the tokenizer's own.
    let isTrained = inputs["model"]?.type[FacetName.template] != nil
    let port = isTrained ? "model" : "tokenizer"
    if let type = inputs[port]?.type,
      let conflict = Inference.Conflict.templates(port, of: type, needsDefault: true)
    {
      conflicts.append(conflict)
    }
    conflicts += DataFit.conflicts(inputs, data: "data", wants: [.texts])
    if fields.prompts.isEmpty, inputs["data"] == nil {
      conflicts.append(
        .init(
          port: "prompts", "There are no prompts to answer", advice: "list at least one, or connect rows with `data`"))
    }
    return Inference(outputs: ["answers": ArtefactType(ArtefactName.answers)], conflicts: conflicts)
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let tokenizer = try context.tokenizer()
    let conversations = try ConversationPrompts(context.input("model"), tokenizer, date: fields.date)
    if conversations.isTrained {
      context.log("answers in the chat template that the model was trained with, which is not the tokenizer's own")
    }
    let generator = TextGenerator(try ModelArtefact(context, threads: fields.threads).model(), tokenizer: tokenizer)
    let sampling = SamplingSettings(
      temperature: Float(fields.temperature), topK: fields.topK, topP: fields.topP.map { Float($0) },
      repetitionPenalty: Float(fields.repetitionPenalty), seed: UInt64(fields.seed))
    func answer(_ ids: [Int32]) throws -> TextGenerator.Answer {
      let answer = try generator.answer(
        ids, sampling: sampling, maximumTokens: fields.maxTokens, stops: conversations.stops
      ) { _ in !context.isCancelled }
      try context.checkCancellation()
      return answer
    }
    let rows = try context.inputs("data").first.map(TokenSet.init)
    let total = fields.prompts.count + (rows?.count ?? 0)
    var sheet = AnswerSheet()
    for (index, prompt) in fields.prompts.enumerated() {
      var messages = [ChatMessage(role: "user", content: prompt)]
      if let system = fields.system { messages.insert(ChatMessage(role: "system", content: system), at: 0) }
      sheet.add(prompt, try answer(conversations.ids(messages)))
      context.progress(ProgressUpdate(step: index + 1, total: total, unit: "prompts"))
    }
    var passed = 0
    for index in 0..<(rows?.count ?? 0) {
      for sequence in try rows?.row(index).sequences ?? [] {
        guard let row = AskedRow(sequence) else {
          passed += 1
          continue
        }
        sheet.add(
          try tokenizer.decode(row.prompt, skipsSpecialTokens: false), try answer(row.prompt),
          label: try tokenizer.decode(row.label, skipsSpecialTokens: true))
      }
      context.progress(ProgressUpdate(step: fields.prompts.count + index + 1, total: total, unit: "prompts"))
    }
    if passed > 0 { context.log("\(passed) rows have no prompt, since all or nothing of them is learned") }
    let output = try context.output("answers")
    try output.write(sheet.lines, to: "answers.jsonl")
    try output.write(sheet.page, to: "answers.md")
  }
}
