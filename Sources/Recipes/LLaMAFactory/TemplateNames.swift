/// The names of LLaMA-Factory's chat templates, and what they ask of a model's own.
package enum TemplateNames {
  /// Templates of models that see or hear, which are not read here.
  static let multimodal: Set<String> = [
    "dots_ocr", "ernie_vl", "glm4_5v", "glm4v", "glm_ocr", "granite3_vision", "intern_s1", "intern_vl", "keye_vl",
    "kimi_vl", "lfm2_vl", "llama4", "llava", "llava_next", "llava_next_llama3", "llava_next_mistral", "llava_next_qwen",
    "llava_next_video", "llava_next_video_mistral", "llava_next_video_yi", "llava_next_yi", "mimo_vl", "minicpm_o",
    "minicpm_v", "minicpm_v_4_6", "mllama", "moss_vl", "paligemma", "paligemma_chat", "pixtral", "qwen2_audio",
    "qwen2_omni", "qwen2_vl", "qwen3_omni", "qwen3_omni_nothink", "qwen3_vl", "qwen3_vl_nothink", "video_llava",
    "yi_vl",
    "youtu_vl",
  ]

  /// Those that put an empty thought before answers without one.
  static let reasoning: Set<String> = [
    "deepseekr1", "glm4_7", "glm4_moe", "glmz1", "gpt_oss", "hy3", "mimo", "mimo_v2", "minimax2", "qwen3", "qwen3_5",
    "qwen3_6", "seed_oss", "youtu",
  ]

  /// Shapes of prompts that are no model's own, so that they say something else than `auto`.
  static let foreign: Set<String> = [
    "alpaca", "belle", "default", "empty", "fewshot", "vicuna", "llama2_zh", "chatml_de",
  ]

  /// All names of 0.9.4 and of those after it.
  static let all: Set<String> = multimodal.union(reasoning).union(foreign).union([
    "aeva", "aquila", "atom", "baichuan", "baichuan2", "bailing", "bailing_v2", "bluelm", "breeze", "chatglm2",
    "chatglm3",
    "chatml", "codegeex2", "codegeex4", "cohere", "cpm", "cpm3", "cpm4", "dbrx", "deepseek", "deepseek3",
    "deepseekcoder",
    "ernie", "ernie_nothink", "exaone", "falcon", "falcon_h1", "gemma", "gemma2", "gemma3", "gemma3n", "gemma4",
    "gemma4n", "glm4", "granite3", "granite4", "hunyuan", "hunyuan_small", "hy_dense_1_8b", "hy_dense_7b", "index",
    "intern", "intern2", "lfm2", "llama2", "llama3", "marco", "minimax1", "ministral", "ministral3", "mistral",
    "mistral_small", "moonlight", "olmo", "openchat", "openchat-3.6", "opencoder", "orion", "phi", "phi4", "phi4_mini",
    "phi_small", "qwen", "qwen3_5_nothink", "qwen3_nothink", "sailor", "seed_coder", "skywork_o1", "smollm", "smollm2",
    "solar", "starchat", "telechat", "telechat2", "xuanyuan", "xverse", "yayi", "yi", "yuan", "zephyr", "ziya",
  ])
}
