import LanguageModels
import ModelFolders
import Pipeline

/// What `attach_adapter` is told: what stands beside which maps, and what else is trained.
package struct AdapterFields: FieldSet {
  /// The name of a method.
  package struct Method: FieldChoice {
    package let rawValue: String

    package init?(rawValue: String) {
      guard AdapterMethods.named(rawValue) != nil else { return nil }
      self.rawValue = rawValue
    }

    private init(_ name: String) { rawValue = name }

    package static let lora = Method(LoRA.name)
    package static let allCases = AdapterMethods.all.map { Method($0.name) }
  }

  /// Which biases of the base are trained.
  package enum Biases: String, FieldChoice {
    case none
    case all
    case adapted
  }

  /// Which tokens EVA looks at.
  package enum Positions: String, FieldChoice {
    case labels
    case all
  }

  /// Which part of a weight CorDA starts with.
  package enum CordaMethod: String, FieldChoice {
    case ipm
    case kpm
  }

  /// What makes tokens while they are learned.
  package enum PromptEncoder: String, FieldChoice {
    case mlp
    case lstm
  }

  var method = Method.lora
  var rank = 8
  var alpha: Double?
  var dropout = 0.0
  var targets = ["all_linear"]
  var rslora = false
  var seed = 42
  var from: FilePath?
  var targetPattern: String?
  var exclude: [String] = []
  var layers: [Int] = []
  var inNewBlocks = false
  var startName = LoRA.Start.standard.rawValue
  var samples = 256
  var rho = 2.0
  var positions = Positions.labels
  var corda = CordaMethod.ipm
  var gamma = 16.0
  var dora = false
  var rankPattern: [String] = []
  var alphaPattern: [String] = []
  var trainedModules: [String] = []
  var biases = Biases.none
  var tokens: [Int] = []
  var blockSize: Int?
  var factor: Int?
  var butterfly: Int?
  var feedForward: [String]?
  var virtualTokens: Int?
  var encoder = PromptEncoder.mlp
  var encoderSize: Int?
  var encoderLayers = 2
  var projection: Int?
  var targetRank: Int?
  var budget = RankBudget.Schedule()

  package init() {}

  private static let whenFresh = FieldCondition.without("from", because: "the adapter's own configuration holds")
  /// A fresh adapter that stands beside linear maps.
  private static let whenBeside = whenFresh.and(.when("method", AdapterMethods.besideMaps))

  private static let whenBiased = whenFresh.and(.when("method", PEFTMethods.withBiases))
  private static let whenWithTokens = whenFresh.and(.when("method", PEFTMethods.withTokens))

  /// A fresh adapter of a method that takes an option.
  private static func whenTaken(_ option: AdapterOptions.Name) -> FieldCondition {
    whenFresh.and(.when("method", AdapterMethods.taking(option)))
  }

  /// A fresh LoRA that starts in one of some ways.
  private static func whenStarted(_ starts: LoRA.Start...) -> FieldCondition {
    whenTaken(.start).and(.when("init", starts.map(\.rawValue)))
  }

  /// When the start looks at rows.
  static let whenLooking = whenTaken(.start).and(
    .when("init", LoRA.Start.allCases.filter(\.looksAtTexts).map(\.rawValue)))

  /// What `block_size` is for each method unless given.
  private static let usualBlockSizes = AdapterMethods.all.compactMap { method -> String? in
    method.usualBlockSize.map { "\($0) for `\(method.name)`" }
  }.joined(separator: ", ")

  package static let fields: [Field<Self>] = [
    Field(
      "method", \.method, for: whenFresh,
      doc: AdapterMethods.all.map { "`\($0.name)`: \($0.summary)" }.joined(separator: "; ")),
    Field(
      "rank", \.rank, in: 1...4096, for: whenTaken(.rank), doc: "Inner dimension of the two matrices"),
    Field(
      "alpha", \.alpha, in: .above(0), for: whenTaken(.alpha),
      doc: "The update is scaled by alpha ÷ rank; twice the rank unless given"),
    Field(
      "dropout", \.dropout, in: 0..<1.0, for: whenTaken(.dropout),
      doc: "Share of the adapter's inputs that training drops at random"),
    Field(
      "targets", \.targets, for: whenBeside.and(.without("target_pattern")),
      doc: "`all_linear`, or names of linear maps such as `q_proj`; embeddings and head are never among them"),
    Field(
      "target_pattern", \.targetPattern, since: Birth(default: nil), for: whenBeside,
      doc: "A regular expression in place of `targets`: the maps whose whole names, such as "
        + "`model.layers.0.self_attn.q_proj`, it matches from the first to the last letter"),
    Field(
      "exclude", \.exclude, since: Birth(default: []), for: whenBeside,
      doc: "Names of maps that are left out: whole ones, or what stands after a dot in them"),
    Field(
      "new_blocks", \.inNewBlocks, since: Birth(default: false),
      for: whenBeside.and(.without("target_pattern")),
      doc: "Adapts the maps of those blocks alone that `expand_model` inserted"),
    Field(
      "layers", \.layers, in: 0..., since: Birth(default: []),
      for: whenBeside.and(.without("target_pattern")).and(.when("new_blocks", ["false"])),

      doc: "The numbers of the blocks whose maps are adapted, from 0 on; all blocks unless given"),
    Field(
      "rslora", \.rslora, for: whenTaken(.rslora), doc: "Scales by alpha ÷ √rank instead (arXiv:2312.03732)"),
    Field(
      "dora", \.dora, since: Birth(default: false), for: whenTaken(.dora),
      doc: "Trains the length of each row of the weights apart from its direction (DoRA, arXiv:2402.09353)"),
    Field(
      "init", \.startName,
      kind: .choice(
        LoRA.Start.allCases.map(\.rawValue)
          + PromptTuning.Start.allCases.map(\.rawValue).filter { LoRA.Start(rawValue: $0) == nil }),
      since: Birth(default: LoRA.Start.standard.rawValue), for: whenTaken(.start),
      doc:
        "How the two matrices begin: `default`, `gaussian`, `orthogonal`; with a part of the weight that the base "
        + "then does without: `pissa` (arXiv:2404.02948), `olora` (arXiv:2406.01775), by what the maps read of `data` "
        + "`corda` (arXiv:2406.05223), by the loss on `data` `lora_ga` (arXiv:2407.05000); with the directions in which "
        + "what they read varies most: `eva` (arXiv:2410.07170); with what a base lost that `load_model` rounds by "
        + "`weights`: `loftq` (arXiv:2310.08659); learned tokens begin at random or as rows of the embedding: "
        + "`vocabulary`"),
    Field(
      "samples", \.samples, in: 1...1_000_000, unit: "rows", since: Birth(default: 256), for: whenLooking,
      doc: "How many rows of `data` are looked at, spread over all of them"),
    Field(
      "rho", \.rho, in: 1.0...64, since: Birth(default: 2), for: whenStarted(.eva),
      doc:
        "How many times its rank a map may have at most, when ranks go to the maps whose inputs they explain most of; "
        + "1 leaves all ranks as they are"),
    Field(
      "positions", \.positions, since: Birth(default: .labels), for: whenStarted(.eva),
      doc: "Which tokens count: those that are learned (`labels`), or `all`"),
    Field(
      "corda_method", \.corda, since: Birth(default: .ipm), for: whenStarted(.corda),
      doc:
        "What A and B begin with: what matters most to the rows (`ipm`, to learn what they show), or least (`kpm`, to "
        + "keep what they show while another thing is learned)"),
    Field(
      "gamma", \.gamma, in: .above(0), since: Birth(default: 16), for: whenStarted(.loraGA),
      doc: "The larger, the smaller the start: its matrices are divided by the root"),
    Field(
      "rank_pattern", \.rankPattern, since: Birth(default: []), for: whenTaken(.rankPattern),
      doc: "Other ranks for some maps: `q_proj=16`, a regular expression for the end of a map's name and the rank"),
    Field(
      "alpha_pattern", \.alphaPattern, since: Birth(default: []), for: whenTaken(.alphaPattern),
      doc: "Other alphas for some maps, written as `rank_pattern`"),
    Field(
      "block_size", \.blockSize, in: 2...4096, unit: "columns", since: Birth(default: nil), for: whenTaken(.blockSize),
      doc: "The neighbouring columns that make one block: \(usualBlockSizes) unless given"),
    Field(
      "butterfly", \.butterfly, in: 1...24, unit: "layers", since: Birth(default: nil), for: whenTaken(.layers),
      doc: "How often other columns come together in the blocks; once unless given"),
    Field(
      "factor", \.factor, in: 1..., since: Birth(default: nil), for: whenTaken(.factor),
      doc: "The extent of the smaller factor; as near to a square as can be unless given"),
    Field(
      "feedforward", \.feedForward, since: Birth(default: nil), for: whenTaken(.feedForward),
      doc:
        "The maps whose inputs are scaled in place of their outputs; the last maps of feed-forward parts unless given"),
    Field(
      "target_rank", \.targetRank, in: 1...4096, since: Birth(default: nil), for: whenTaken(.budget),
      doc: "The mean rank that is left after training; two thirds of `rank` unless given"),
    Field(
      "tinit", \.budget.firstSteps, in: 0..., unit: "steps", since: Birth(default: 0), for: whenTaken(.budget),
      doc: "The first steps, in which all ranks stay"),
    Field(
      "tfinal", \.budget.lastSteps, in: 0..., unit: "steps", since: Birth(default: 0), for: whenTaken(.budget),
      doc: "The last steps, in which the ranks stay as they have become"),
    Field(
      "delta_t", \.budget.interval, in: 1..., unit: "steps", since: Birth(default: 1), for: whenTaken(.budget),
      doc: "The steps from one choice of ranks to the next"),
    Field(
      "importance_betas", get: { [$0.budget.beta1, $0.budget.beta2] },
      set: { ($0.budget.beta1, $0.budget.beta2) = ($1.first ?? 0.85, $1.last ?? 0.85) }, in: 0.0..<1,
      since: Birth(default: [0.85, 0.85]), for: whenTaken(.budget),
      doc: "How much of what elements mattered, and of how that varied, stays in a step"),
    Field(
      "orthogonality", \.budget.orthogonality, in: 0.0..., since: Birth(default: 0.5), for: whenTaken(.budget),
      doc: "What the distance of A and B from orthogonal matrices counts beside the loss; `orth_reg_weight` of PEFT"),
    Field(
      "virtual_tokens", \.virtualTokens, in: 1...65_536, unit: "tokens", since: Birth(default: nil),
      for: whenTaken(.virtualTokens), doc: "How many learned tokens stand before every text; 20 unless given"),
    Field(
      "encoder", \.encoder, since: Birth(default: .mlp), for: whenTaken(.encoder),
      doc:
        "What makes the tokens while they are learned: three maps with rectifiers between them (`mlp`), or layers with a "
        + "memory that read the tokens from both ends (`lstm`)"),
    Field(
      "encoder_size", \.encoderSize, in: 1...65_536, unit: "numbers", since: Birth(default: nil),
      for: whenTaken(.encoderSize),
      doc: "How wide it is inside; as wide as the model unless given"),
    Field(
      "encoder_layers", \.encoderLayers, in: 1...16, unit: "layers", since: Birth(default: 2),
      for: whenTaken(.encoder).and(.when("encoder", ["lstm"])), doc: "How many layers have a memory"),
    Field(
      "projection", \.projection, in: 1...65_536, unit: "numbers", since: Birth(default: nil),
      for: whenTaken(.projection),
      doc:
        "Makes the keys and values while they are learned of vectors, by two maps with so many numbers between them; "
        + "`prefix_projection` of PEFT, whose `encoder_hidden_size` this is"),
    Field(
      "train_modules", \.trainedModules, since: Birth(default: []), for: whenBeside,
      doc:
        "The ends of the names of modules that are trained whole and saved with the adapter: `embed_tokens`, `lm_head`, "
        + "`norm`; `modules_to_save` of PEFT"),
    Field(
      "train_tokens", \.tokens, in: 0..., since: Birth(default: []), for: whenWithTokens,
      doc: "Ids of tokens whose rows of the embedding are trained while the others stay: for tokens that are new; "
        + "`trainable_token_indices` of PEFT"),
    Field(
      "train_biases", \.biases, since: Birth(default: .none), for: whenBiased,
      doc: "The biases that are trained as well: `all`, or those of the `adapted` maps"),
    Field("seed", \.seed, in: 0..., for: whenFresh, doc: "Decides the first values"),
    Field("from", \.from, doc: "A PEFT folder to continue, with its own configuration; a fresh adapter unless given"),
  ]
}
