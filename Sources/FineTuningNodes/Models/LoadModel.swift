import Diagnostics
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import Tensors
import Tokenization

/// Refers to a model on disk: a Hugging Face folder or a GGUF file.
package enum LoadModel: NodeType {
  /// The arithmetic that everything computed with the model uses.
  package enum Compute: String, FieldChoice {
    case auto
    case f32
    case int16
    case bf16
    case int8

    /// The class that is computed in: for `auto` the fastest of the processor, or of the one that `ANNEAL_CPU` names.
    var resolved: ComputeClass {
      switch self {
      case .auto: (try? KernelSet.chosenByEnvironment()).map(ComputeClass.best) ?? .f32
      case .f32: .f32
      case .int16: .int16
      case .bf16: .bf16
      case .int8: .int8
      }
    }

    /// The class with what else decides the bits on this machine.
    var name: String {
      (try? KernelSet.chosenByEnvironment()).map { resolved.name(on: $0) } ?? resolved.rawValue
    }

    /// The class stands in keys by its name, so that one store serves processors of several kinds.
    package func appendKeyEntries(_ label: String, _ entries: inout [KeyPreimage.Entry]) {
      entries.append(KeyPreimage.Entry(label, .text(name)))
    }
  }

  /// The form in which frozen weights are held in memory.
  package enum Weights: String, FieldChoice {
    case auto
    case asStored = "as_stored"
    case bf16
    case int8
    case nf4

    var plan: PrecisionPlan {
      switch self {
      case .auto: PrecisionPlan()
      case .asStored: PrecisionPlan(maps: .stored)
      case .bf16: PrecisionPlan(maps: .bf16)
      case .int8: PrecisionPlan(maps: .int8)
      case .nf4: PrecisionPlan(maps: .nf4)
      }
    }

    /// Whether numbers of the file are rounded.
    var rounds: Bool { self != .auto && self != .asStored }

    /// What a model artefact's details and type call it; nothing of `auto`.
    static let detail = "weights"
  }

  package struct Fields: FieldSet {
    var from: FilePath?
    var compute = Compute.auto
    var weights = Weights.auto

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "from", \.from,
        doc:
          "Unless another node makes it, which then is `folder`: a model folder with safetensors, or a `.gguf` file, of one of the families "
          + ModelFamilies.all.map { "\($0.name) (\($0.models))" }.joined(separator: "; ")),
      Field(
        "compute", \.compute,
        doc:
          "The arithmetic of matrix products: `f32`; `bf16` with f32 sums, about twice as fast on CPUs with AVX512-BF16; "
          + "`int16`, nearer to f32 than `bf16` and 1.3 times as fast for LoRA on CPUs with AVX2 and no AVX-512; "
          + "`int8`, faster than `bf16` for LoRA, with gradients that are off by 7 % in place of 2 %; `auto` takes "
          + "the fastest of the first three that this CPU has"),
      Field(
        "weights", \.weights, since: Birth(default: .auto),
        doc:
          "How frozen weights are held while they are used: `auto` packs them for the arithmetic, twice where training "
          + "needs both directions; `as_stored` reads them where they lie in the file, quantised blocks of a GGUF file "
          + "among them; `bf16`, `int8` (8.5 bits a weight) and `nf4` (4.13 bits, QLoRA) round the linear maps of the "
          + "blocks and leave the rest as it is stored. Products expand a tile at a time. Only adapters can be trained "
          + "beside them"),
    ]
  }

  package static let name = "load_model"
  package static let summary = "Takes a model from a folder or a GGUF file, without copying it"
  package static let implementationVersion = 2
  package static let inputs = [
    InputPort(
      "folder", [ArtefactName.folder], optional: true, for: .without("from", because: "a model comes from one place"),
      doc: "What a node of type `exec` or `export` has made, in place of a model of one's own")
  ]
  package static let outputs = [OutputPort("model", ArtefactName.model, doc: "The model's files")]

  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
    try fields.from.map { try files(at: paths.text(of: $0)).requests } ?? []
  }

  /// The files of the model at a path, and those of the tokenizer beside it, which says what the model was trained with.
  private static func files(at path: String) throws -> FileSet {
    let model = try ModelFolder.files(at: path)
    do { return try model.union(Tokenizer.files(at: path)) } catch is TokenizerError { return model }
  }

  package static func inspection(_ fields: Fields, _ sources: NodeSources) throws -> Inspection? {
    guard fields.from != nil else { return nil }
    let looksAtFormats = fields.weights != .auto
    return Inspection(
      of: sources,
      fields: [KeyPreimage.Entry(configurationSight, .integer(1))]
        + (looksAtFormats ? [KeyPreimage.Entry(formatsSight, .integer(1))] : [])
    ) {
      let model = try ModelFolder.open(sources.fileSet)
      var seen = try knownFacets(model, sources.fileSet)
      seen[configurationSight] = .text(model.configuration.json.text())
      if looksAtFormats {
        let formats = try model.storedFormats.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON($0.value)) }
        seen[formatsSight] = .text(JSON.object(JSONObject(formats)).text())
      }
      return seen
    }
  }

  /// What the inspection calls the model's configuration, for forecasts; no facet, since nothing has to agree with it.
  static let configurationSight = "configuration"
  /// What the inspection calls the forms that the file stores matrices in, for forecasts.
  static let formatsSight = "formats"

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var facets = inputs.seen
    facets[configurationSight] = nil
    facets[formatsSight] = nil
    facets[FacetName.weights] = weightsFacet(fields)
    return Inference(
      outputs: ["model": ArtefactType(ArtefactName.model, facets)],
      conflicts: withoutModel(fields, inputs) + unavailable(fields) + withoutEffect(fields))
  }

  /// A model has to come from somewhere.
  private static func withoutModel(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] {
    guard fields.from == nil, inputs["folder"] == nil else { return [] }
    return [
      .init(
        port: "from", "Nothing says where the model is",
        advice: "`from: FOLDER`, or `folder: NODE` for what a node of type `exec` makes")
    ]
  }

  /// What the model's type says about its weights; nothing where they are packed.
  private static func weightsFacet(_ fields: Fields) -> Facet? {
    fields.weights == .auto ? nil : .text(fields.weights.rawValue)
  }

  /// Bytes are for weights that are packed.
  private static func withoutEffect(_ fields: Fields) -> [Inference.Conflict] {
    guard fields.weights != .auto, fields.compute == .int8 else { return [] }
    return [
      .init(
        port: "compute", "`compute: int8` has no effect beside `weights: \(fields.weights.rawValue)`",
        reason: "products in bytes take weights that were packed for them",
        advice: "`compute: bf16`, or leave `weights` out")
    ]
  }

  /// Whether this processor lacks the arithmetic that is asked for.
  private static func unavailable(_ fields: Fields) -> [Inference.Conflict] {
    let wanted = fields.compute.resolved
    let kernels: KernelSet
    do { kernels = try KernelSet.chosenByEnvironment() } catch {
      return Inference.Conflict.all(of: error, at: "compute")
    }
    guard !ComputeClass.available(kernels).contains(wanted) else { return [] }
    return [
      .init(
        port: "compute", "This processor cannot compute in \(wanted.rawValue)",
        reason: "it needs \(wanted.requirement)", advice: "`compute: f32`")
    ]
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let made = context.inputs("folder").first
    let files = try made.map { try Self.files(at: context.linkedFolder($0, "folder")) } ?? context.sources.fileSet
    let model = try ModelFolder.open(files)
    let output = try context.output("model")
    for file in model.files.files {
      let name = ModelArtefact.base + "/" + file.name
      if let made {
        try output.include(file.name, from: made, as: name)
      } else {
        try output.reference(name, externalPath: file.path)
      }
    }
    var facets = try knownFacets(model, files)
    facets[FacetName.weights] = weightsFacet(fields)
    output.set(type: ArtefactType(ArtefactName.model, facets))
    output.details["compute"] = JSON(fields.compute.name)
    if fields.weights != .auto { output.details[Weights.detail] = JSON(fields.weights.rawValue) }
  }

  private static func knownFacets(_ model: ModelFolder, _ files: FileSet) throws -> [String: Facet] {
    let configuration = model.configuration
    var facets: [String: Facet] = [
      FacetName.architecture: .text(configuration.family.name),
      FacetName.vocabulary: .integer(configuration.vocabularySize),
      FacetName.length: .integer(configuration.maximumPositions), FacetName.form: "all",
    ]
    // Only a tokenizer that lies with the model says which one the model was trained with.
    do {
      facets[FacetName.tokenizer] = LoadTokenizer.facets(of: try Tokenizer.load(files))[FacetName.tokenizer]
    } catch let error as FileError {
      // A file that cannot be read just now is no tokenizer that is none.
      throw error
    } catch {}
    return facets
  }
}
