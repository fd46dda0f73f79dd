/// The chat templates of a model: one for every conversation, or several with names.
package struct ChatTemplateSet: Sendable {
  private let general: ChatTemplate?
  private let toolUse: ChatTemplate?
  private let names: [String]

  /// One template for everything.
  package init(_ template: ChatTemplate) {
    general = template
    toolUse = nil
    names = []
  }

  /// Templates by name, as transformers takes them; those that it would not choose by itself are not read.
  ///
  /// - Throws: ``TemplateError``
  package init(_ templates: [(name: String, source: String)]) throws {
    func read(_ name: String) throws -> ChatTemplate? {
      try templates.last { $0.name == name }.map {
        try ChatTemplate(source: $0.source, name: templates.count == 1 ? "chat template" : "chat template \(name)")
      }
    }
    general = try read("default")
    toolUse = try read("tool_use")
    names = templates.map(\.name).sorted()
  }

  /// The template for a conversation: `tool_use` where it has tools and there is one, else `default`.
  ///
  /// - Throws: ``ChatTemplateChoiceError``
  package func template(hasTools: Bool) throws -> ChatTemplate {
    if hasTools, let toolUse { return toolUse }
    guard let general else { throw ChatTemplateChoiceError(names: names) }
    return general
  }
}
