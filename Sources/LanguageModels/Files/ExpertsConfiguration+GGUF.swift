import Tensors

extension ExpertsConfiguration {
  /// Where a GGUF file holds a tensor of a block's experts: the names and the layout are the same in all families.
  ///
  /// - Parameters:
  ///   - module: The tensor's module in the block.
  ///   - block: What the names of the block begin with.
  /// - Returns: Nil for what is not the experts'.
  func gguf(_ tensor: TensorSpecification, module: String, _ block: String) -> StoredTensor? {
    func whole(_ name: String) -> StoredTensor {
      StoredTensor(StoredTensor.Source("\(block)\(name).\(tensor.role.suffix)", tensor.shape))
    }
    if module == router.name { return whole("ffn_gate_inp") }
    if module == sharedGate?.name { return whole("ffn_gate_inp_shexp") }
    if module == correction?.name { return StoredTensor(StoredTensor.Source(block + "exp_probs_b.bias", tensor.shape)) }
    return stacks(tensor, module, block) ?? shared?.gguf(tensor, module, block, suffix: "_shexp")
  }

  /// The maps of the experts, which lie in one tensor for each kind of map: [E, out, in], biases [E, out].
  private func stacks(_ tensor: TensorSpecification, _ module: String, _ block: String) -> StoredTensor? {
    func stack(_ map: ExpertPart.Map, _ kind: String = "weight", expert: Int? = nil, transposed: Bool = false)
      -> StoredTensor.Source
    {
      let shape = kind == "weight" ? shape(of: map) : [shape(of: map)[0]]
      return StoredTensor.Source(
        "\(block)ffn_\(map.rawValue)_exps.\(kind)", [count] + shape, part: expert, isTransposed: transposed)
    }
    switch storage {
    case .each(let prefix, let gate, let up, let down):
      guard module.hasPrefix(prefix + ".") else { return nil }
      let parts = module.dropFirst(prefix.count + 1).split(separator: ".", maxSplits: 1)
      let maps: [String: ExpertPart.Map] = [gate: .gate, up: .up, down: .down]
      guard parts.count == 2, let expert = Int(parts[0]), let map = maps[String(parts[1])] else { return nil }
      return StoredTensor(stack(map, expert: expert))
    case .stacked(let input, let output):
      guard module == input || module == output else { return nil }
      if let part = tensor.role.part { return StoredTensor(stack(part.map, expert: part.expert)) }
      return module == input
        ? StoredTensor(stack(.gate), stack(.up), joint: .consecutive(rows: count)) : StoredTensor(stack(.down))
    case .interleaved(let input, let output):
      let isBias = tensor.role.kind == .bias
      guard [input, output].contains(where: { module == $0 + (isBias ? "_bias" : "") }) else { return nil }
      let kind = isBias ? "bias" : "weight"
      if let part = tensor.role.part { return StoredTensor(stack(part.map, kind, expert: part.expert)) }
      func all(_ map: ExpertPart.Map) -> StoredTensor.Source { stack(map, kind, transposed: !isBias) }
      return module == input || module == input + "_bias"
        ? StoredTensor(all(.gate), all(.up), joint: .alternating) : StoredTensor(all(.down))
    }
  }
}

extension FeedForwardConfiguration {
  /// Where a GGUF file holds a tensor of a gated part; its maps are apart there also where one makes both here.
  fileprivate func gguf(
    _ tensor: TensorSpecification, _ module: String, _ block: String, suffix: String
  ) -> StoredTensor? {
    func source(_ name: String, _ shape: [Int]) -> StoredTensor.Source {
      StoredTensor.Source("\(block)ffn_\(name)\(suffix).\(tensor.role.suffix)", shape)
    }
    if module == down.name { return StoredTensor(source("down", tensor.shape)) }
    switch input {
    case .gated(let gate, let up, _):
      return module == gate.name
        ? StoredTensor(source("gate", tensor.shape))
        : module == up.name ? StoredTensor(source("up", tensor.shape)) : nil
    case .fused(let map, _):
      guard module == map.name else { return nil }
      let half = [tensor.shape[0] / 2] + tensor.shape.dropFirst()
      return StoredTensor(source("gate", half), source("up", half), joint: .consecutive(rows: 1))
    case .plain: return nil
    }
  }
}
