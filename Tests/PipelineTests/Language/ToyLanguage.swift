import Diagnostics
import Pipeline
import Testing

/// Node types that look like the real ones and do nothing.
let toyRegistry = NodeRegistry([
  ToyLoad.self, ToyMix.self, ToyTemplate.self, ToyTokenize.self, ToyModel.self, ToyTrain.self, ToyNotify.self,
])

/// Files that exist only here: their digests are those of their texts.
struct ToySources: SourceDigester {
  var files = ["rows.jsonl": "rows", "more.jsonl": "more", "weights.gguf": "weights"]
  var folders: Set<String> = ["data"]

  func digest(path: String) throws -> (digest: Digest, size: Int) {
    guard let text = files[path] else { throw SourceError(path: path, .unreadable(reason: "Permission denied")) }
    return (Digest(of: Array(text.utf8)), text.utf8.count)
  }

  func kind(of path: String) -> SourceKind? {
    files[path] != nil || path == "locked.jsonl" ? .file : folders.contains(path) ? .folder : nil
  }
}

func load(_ text: String, set overrides: [String] = [], sources: ToySources = ToySources()) throws -> ResolvedPipeline {
  try PipelineFile.load(
    text: text, file: "sft.yaml",
    overrides: overrides.enumerated().map { Override(text: $1, argumentIndex: $0 + 1) },
    registry: toyRegistry, sources: sources)
}

/// Everything that is said about a text, as the terminal shows it.
func messages(_ text: String, set overrides: [String] = []) -> String {
  do {
    return try load(text, set: overrides).warnings.rendered()
  } catch {
    return diagnostics(of: error).rendered()
  }
}

enum ToyLoad: NodeType {
  struct Fields: FieldSet {
    var from: FilePath?
    var format = Format.auto
    static let fields: [Field<Self>] = [
      Field("from", \.from, required: true, doc: "The file with the rows"),
      Field("format", \.format, doc: "How the rows are written"),
    ]
  }
  enum Format: String, FieldChoice {
    case auto
    case alpaca
    case sharegpt
  }

  static let name = "load_dataset"
  static let summary = "Reads rows"
  static let implementationVersion = 1
  static let inputs: [InputPort] = []
  static let outputs = [OutputPort("rows", "rows", doc: "The rows")]
  static func sources(_ fields: Fields, _ paths: PathReader) -> [SourceRequest] {
    fields.from.map { [SourceRequest(role: "rows", path: paths.text(of: $0), kind: .file)] } ?? []
  }
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["rows": ArtefactType("rows")])
  }
  static func run(_ fields: Fields, in context: NodeContext) {}
}

enum ToyMix: NodeType {
  struct Fields: FieldSet {
    var weights: [Double] = []
    static let fields: [Field<Self>] = [
      Field("weights", \.weights, in: NumberRange.above(0), doc: "How much of each dataset")
    ]
  }

  static let name = "mix"
  static let summary = "Mixes rows"
  static let implementationVersion = 1
  static let inputs = [InputPort("datasets", ["rows"], list: true, doc: "What is mixed")]
  static let outputs = [OutputPort("rows", "rows", doc: "The rows")]
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["rows": ArtefactType("rows")])
  }
  static func run(_ fields: Fields, in context: NodeContext) {}
}

enum ToyTemplate: NodeType {
  struct Fields: FieldSet {
    var template = "auto"
    static let fields: [Field<Self>] = [Field("template", \.template, doc: "The chat template")]
  }

  static let name = "apply_template"
  static let summary = "Makes conversations"
  static let implementationVersion = 3
  static let inputs = [InputPort("dataset", ["rows"], doc: "The rows")]
  static let outputs = [OutputPort("conversations", "conversations", doc: "The texts")]
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["conversations": ArtefactType("conversations", ["template": .text(fields.template)])])
  }
  static func run(_ fields: Fields, in context: NodeContext) {}
}

enum ToyTokenize: NodeType {
  struct Fields: FieldSet {
    var maxLength = 1024
    var packing = false
    var validation = 0.0
    var tokenizer = "smol"
    static let fields: [Field<Self>] = [
      Field("max_length", \.maxLength, in: 1...1_048_576, unit: "tokens", doc: "Longest sequence kept"),
      Field("packing", \.packing, doc: "Whether samples share a row"),
      Field("validation", \.validation, in: 0..<1, doc: "Share of rows kept for validation"),
      Field("tokenizer", \.tokenizer, doc: "The tokenizer"),
    ]
  }

  static let name = "tokenize"
  static let summary = "Makes tokens"
  static let implementationVersion = 1
  static let inputs = [InputPort("conversations", ["conversations"], doc: "The texts")]
  static let outputs = [
    OutputPort("train", "tokens", doc: "Tokens to train on"),
    OutputPort("validation", "tokens", doc: "Tokens held back"),
  ]
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let type = ArtefactType("tokens", ["tokenizer": .text(fields.tokenizer), "length": .integer(fields.maxLength)])
    return Inference(outputs: ["train": type, "validation": type])
  }
  static func run(_ fields: Fields, in context: NodeContext) {}
}

enum ToyModel: NodeType {
  struct Fields: FieldSet {
    var from: FilePath?
    static let fields: [Field<Self>] = [Field("from", \.from, required: true, doc: "The folder or file of the model")]
  }

  static let name = "load_model"
  static let summary = "Refers to a model"
  static let implementationVersion = 1
  static let inputs: [InputPort] = []
  static let outputs = [OutputPort("model", "model", doc: "The model")]
  static func sources(_ fields: Fields, _ paths: PathReader) -> [SourceRequest] {
    fields.from.map { [SourceRequest(role: "weights", path: paths.text(of: $0))] } ?? []
  }
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["model": ArtefactType("model", ["tokenizer": "smol"])])
  }
  static func run(_ fields: Fields, in context: NodeContext) {}
}

struct ToySchedule: FieldGroup {
  enum Kind: String, FieldChoice {
    case constant
    case linear
    case cosine
  }
  var type = Kind.linear
  var warmupRatio = 0.0
  static let fields: [Field<Self>] = [
    Field("type", \.type, doc: "The shape"),
    Field("warmup_ratio", \.warmupRatio, in: 0...1, doc: "Share of the steps that warm up"),
  ]
}

enum ToyTrain: NodeType {
  struct Fields: FieldSet {
    var learningRate: Double?
    var epochs = 1
    var rank = 16
    var maxSteps: Int?
    var targets = ["all_linear"]
    var schedule = ToySchedule()
    var shuffle = true
    var threads: Int?
    var notes: String?
    var beta = 0.1
    static let fields: [Field<Self>] = [
      Field("learning_rate", \.learningRate, in: NumberRange.above(0), required: true, doc: "Size of a step"),
      Field("epochs", \.epochs, in: 1..., doc: "Passes over the data"),
      Field("rank", \.rank, in: 1...4096, doc: "Rank of the update"),
      Field("max_steps", \.maxSteps, in: 1..., doc: "Most steps"),
      Field("targets", \.targets, doc: "What is adapted"),
      Field("schedule", \.schedule, doc: "How the learning rate moves"),
      Field("shuffle", \.shuffle, doc: "Whether rows are shuffled"),
      Field("threads", \.threads, in: 1..., role: .speed, doc: "Threads to use"),
      Field("notes", \.notes, role: .none, doc: "For people"),
      Field("beta", \.beta, in: 0..., since: Birth(default: 0.1), doc: "Added later"),
    ]
  }

  static let name = "train"
  static let summary = "Trains a model"
  static let implementationVersion = 2
  static let inputs = [
    InputPort("model", ["model"], doc: "The model"),
    InputPort("data", ["tokens"], doc: "What it learns from"),
    InputPort("reference", ["model"], optional: true, doc: "The model to stay near"),
  ]
  static let outputs = [OutputPort("model", "model", doc: "The trained model")]
  static let execution = Execution.worker(cores: .all)
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var inference = Inference(outputs: ["model": inputs["model"]?.type ?? ArtefactType("model")])
    if let wanted = inputs["model"]?.type["tokenizer"], let found = inputs["data"]?.type["tokenizer"], wanted != found {
      inference.conflicts.append(
        Inference.Conflict(
          port: "data", "Tokens were made by another tokenizer than the model's",
          reason: "they are `\(found)` tokens and the model's are `\(wanted)`",
          advice: "Tokenize with the model's tokenizer"))
    }
    return inference
  }
  static func run(_ fields: Fields, in context: NodeContext) {}
}

enum ToyNotify: NodeType {
  struct Fields: FieldSet {
    static let fields: [Field<Self>] = []
  }

  static let name = "notify"
  static let summary = "Tells somebody"
  static let implementationVersion = 1
  static let inputs = [InputPort("model", ["model"], doc: "The model")]
  static let outputs: [OutputPort] = []
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference { Inference(outputs: [:]) }
  static func run(_ fields: Fields, in context: NodeContext) {}
}

/// A pipeline with everything in it.
let goodPipeline = """
  pipeline: sft
  params:
    learning_rate: 1e-4
    data: rows.jsonl
  nodes:
    base: {type: load_model, from: weights.gguf}
    rows: {type: load_dataset, from: ${data}}
    chat: {type: apply_template, dataset: rows}
    tokens: {type: tokenize, conversations: chat, max_length: 512, validation: 0.05}
    sft:
      type: train
      model: base
      data: tokens.train
      learning_rate: ${learning_rate}
      schedule: {type: cosine, warmup_ratio: 0.05}
  outputs: [sft]
  """
