/// A conversation with a model as a file of LLaMA-Factory's asks for it.
package struct ChatRequest: Sendable, Hashable {
  package var model: String
  /// A PEFT folder beside the model.
  package var adapter: String?
  package var system: String?
  /// A Jinja file; nil for the model's own template.
  package var template: String?
  package var temperature: Double
  package var topK: Int?
  package var topP: Double?
  package var repetitionPenalty: Double
  package var maximumTokens: Int

  package init(
    model: String, adapter: String?, system: String?, template: String?, temperature: Double, topK: Int?, topP: Double?,
    repetitionPenalty: Double, maximumTokens: Int
  ) {
    self.model = model
    self.adapter = adapter
    self.system = system
    self.template = template
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.repetitionPenalty = repetitionPenalty
    self.maximumTokens = maximumTokens
  }
}
