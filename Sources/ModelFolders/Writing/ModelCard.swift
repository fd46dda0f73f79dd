import PreciseJSON

/// The `README.md` of an exported model or adapter: front matter that model hubs read, and how it was made.
package struct ModelCard: Sendable, Hashable {
  package var title: String
  /// The path or hub name of the model that was fine-tuned; left out when empty.
  package var baseModel: String
  package var tags: [String]
  /// The digest of the pipeline that made the model.
  package var pipelineDigest: String?
  /// What else to tell, a line each, such as hyper-parameters.
  package var facts: [Fact]

  /// A line of the card.
  package struct Fact: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package init(
    title: String, baseModel: String = "", tags: [String] = [], pipelineDigest: String? = nil,
    facts: [Fact] = []
  ) {
    self.title = title
    self.baseModel = baseModel
    self.tags = tags
    self.pipelineDigest = pipelineDigest
    self.facts = facts
  }

  /// - Parameter library: The library that loads the folder: `transformers` or `peft`.
  package func text(library: String) -> String {
    // JSON strings are YAML strings, whatever stands in them.
    var lines = ["---"]
    if !baseModel.isEmpty { lines.append("base_model: \(JSON(baseModel).text())") }
    lines += ["library_name: \(library)", "pipeline_tag: text-generation", "tags:"]
    lines += (["anneal"] + (library == "peft" ? ["lora"] : []) + tags).map { "- \(JSON($0).text())" }
    lines += ["---", "", "# \(title)", "", "Made with Anneal."]
    var facts = facts
    if let pipelineDigest { facts.insert(Fact("Pipeline", "`\(pipelineDigest)`"), at: 0) }
    if !baseModel.isEmpty { facts.insert(Fact("Base model", "`\(baseModel)`"), at: 0) }
    if !facts.isEmpty { lines.append("") }
    lines += facts.map { "- \($0.name): \($0.value)" }
    return lines.joined(separator: "\n") + "\n"
  }
}
