/// The families there are: a line each.
package enum ModelFamilies {
  package static let all: [any ModelFamily.Type] = [
    Llama.self,
    Mistral.self,
    Qwen2.self,
    Qwen3.self,
    Gemma.self,
    Gemma2.self,
    Gemma3.self,
    Phi3.self,
    Ministral.self,
    Olmo3.self,
    Olmo2.self,
    Granite.self,
    SmolLM3.self,
    Starcoder2.self,
    Phi.self,
    Cohere.self,
    Cohere2.self,
    StableLM.self,
    GLM.self,
    GLM4.self,
    Exaone4.self,
    Ernie45.self,
    SeedOSS.self,
    HunYuan.self,
    Olmo.self,
    GPTNeoX.self,
    InternLM2.self,
    Falcon.self,
    Bloom.self,
    MPT.self,
    GPTJ.self,
    OPT.self,
    GPT2.self,
    Mixtral.self,
    Qwen2MoE.self,
    Qwen3MoE.self,
    GraniteMoE.self,
    DeepseekV2.self,
    DeepseekV3.self,
    GPTOSS.self,
    GLM4MoE.self,
    Dots1.self,
    HunYuanMoE.self,
    Ernie45MoE.self,
    OLMoE.self,
    GLM4MoELite.self,
    Nemotron.self,
    Arcee.self,
    Helium.self,
    GPTNeo.self,
    GPTBigCode.self,
    VaultGemma.self,
    Cwm.self,
    MiniMaxM2.self,
    Ministral3.self,
    Youtu.self,
    Jais2.self,
    FlexOlmo.self,
  ]

  /// Families of transformers whose names look like those of others, so that they are no slips of the hand.
  static let others: Set<String> = [
    "deepseek_vl", "dpt", "gpt_neo", "internvl", "llava", "mllama", "pixtral", "smolvlm", "voxtral", "xglm", "xlm",
  ]

  /// Families of transformers whose names do not tell that others are close to them.
  static let relatives: [String: [String]] = ["chatglm": ["glm", "glm4"], "codegen": ["gptj"]]

  private static let byModelType = Dictionary(
    all.flatMap { family in family.modelTypes.map { ($0, family) } }, uniquingKeysWith: { first, _ in first })

  /// Of families that share an architecture the first one.
  private static let byArchitecture = Dictionary(
    all.compactMap { family in family.gguf.map { ($0.architecture, family) } }, uniquingKeysWith: { first, _ in first })

  /// The values of `model_type` that are known, in the order of the families.
  package static var modelTypes: [String] { all.flatMap { $0.modelTypes } }

  /// The values of `general.architecture` that are known.
  package static var architectures: [String] {
    var seen: Set<String> = []
    return all.compactMap { $0.gguf?.architecture }.filter { seen.insert($0).inserted }
  }

  /// The family of a `model_type`.
  package static func of(modelType: String) -> (any ModelFamily.Type)? { byModelType[modelType] }

  /// The family of a `general.architecture`.
  package static func of(architecture: String) -> (any ModelFamily.Type)? { byArchitecture[architecture] }
}
