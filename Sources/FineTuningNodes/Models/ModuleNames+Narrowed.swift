import LanguageModels

extension ModuleNames {
  /// What else stands beside linear maps in the blocks of transformers' models.
  private static let others = [
    "act_fn", "input_layernorm", "post_attention_layernorm", "q_norm", "k_norm", "rotary_emb", "self_attn", "mlp",
  ]

  /// The same maps by a pattern that matches nothing but them, as PEFT demands.
  func narrowed(to modules: [String]) -> ModuleNames {
    guard case .pattern(let text) = self else { return self }
    let folders = Set(
      modules.flatMap { module in
        let parts = module.split(separator: ".")
        return [parts.dropLast().joined(separator: "."), parts.dropLast(2).joined(separator: ".")]
      })
    guard folders.contains(where: { folder in Self.others.contains { contains("\(folder).\($0)") } }) else {
      return self
    }
    let names = Set(modules.compactMap { $0.split(separator: ".").last.map(String.init) }).sorted()
    return .pattern("(?=.*\\.(?:\(names.joined(separator: "|")))$)(?:\(text))")
  }
}
