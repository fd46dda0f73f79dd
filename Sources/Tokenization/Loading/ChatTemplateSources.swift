/// The chat templates that a tokenizer brings: mostly one, sometimes several with names.
///
/// Which one lays out a conversation is transformers' rule: `tool_use` where there are tools, else `default`.
package struct ChatTemplateSources: Sendable, Hashable {
  package struct Entry: Sendable, Hashable {
    package var name: String
    /// Raw Jinja.
    package var source: String

    package init(name: String, source: String) {
      self.name = name
      self.source = source
    }
  }

  /// In the order of the file; each name stands once.
  package private(set) var entries: [Entry] = []

  /// The name of the template that lays out what asks for no other.
  package static let defaultName = "default"

  package init() {}

  /// One template without a name.
  package init(_ source: String) { set(Self.defaultName, source) }

  /// Adds a template, or replaces the one of the same name.
  mutating func set(_ name: String, _ source: String) {
    if let index = entries.firstIndex(where: { $0.name == name }) {
      entries[index].source = source
    } else {
      entries.append(Entry(name: name, source: source))
    }
  }

  package subscript(_ name: String) -> String? { entries.first { $0.name == name }?.source }

  package var isEmpty: Bool { entries.isEmpty }

  /// What tells these templates from others: the source of a lone `default`, else all names and sources.
  package var identity: String? {
    guard let first = entries.first else { return nil }
    if entries.count == 1, first.name == Self.defaultName { return first.source }
    return entries.map { "\($0.name)\u{0}\($0.source)\u{0}" }.sorted().joined()
  }
}
