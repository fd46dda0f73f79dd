/// A look into files that says something about the types of a node's outputs: which tokenizer lies in a folder, how
/// many positions a model has.
///
/// It must be a function of the files' bytes and roles and of the fields it lists, and belongs to the node type's
/// implementation version like its results: what was seen once is kept, and not looked at again before one of these
/// changes.
package struct Inspection: Sendable {
  /// The files that are looked into.
  package var sources: NodeSources
  /// The fields that decide what is looked for.
  package var fields: [KeyPreimage.Entry]
  /// Looks.
  package var read: @Sendable () throws -> [String: Facet]

  package init(
    of sources: NodeSources, fields: [KeyPreimage.Entry] = [], read: @escaping @Sendable () throws -> [String: Facet]
  ) {
    self.sources = sources
    self.fields = fields
    self.read = read
  }
}
