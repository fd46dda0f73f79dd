import PreciseJSON

/// VaultGemma (Google, 2025): Gemma 2 without norms of what the halves of a block give.
package enum VaultGemma: ModelFamily {
  package static let name = "vaultgemma"
  package static let models = "VaultGemma 1B"
  package static let modelTypes = ["vaultgemma"]
  package static let modelClass = "VaultGemmaForCausalLM"

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    var configuration = Gemma2.read(&reader)
    configuration.family = Family(VaultGemma.self)
    for layer in configuration.blocks.indices {
      configuration.blocks[layer].attentionOutputNorm = nil
      configuration.blocks[layer].feedForwardOutputNorm = nil
    }
    return configuration
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    Gemma2.write(configuration)
  }
}
