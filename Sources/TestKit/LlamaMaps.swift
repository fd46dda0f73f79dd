import LanguageModels

extension AdapterConfiguration {
  /// An adapter of every linear map that models like Llama have.
  package init(rank: Int, alpha: Float? = nil, dropout: Float = 0, usesRSLoRA: Bool = false) {
    self.init(rank: rank, alpha: alpha, dropout: dropout, targets: Self.allMaps, usesRSLoRA: usesRSLoRA)
  }

  /// The short names of the linear maps that models like Llama have.
  package static let allMaps = Set(
    DecoderShape.Map.allCases.compactMap { $0.rawValue.split(separator: ".").last.map(String.init) })
}
