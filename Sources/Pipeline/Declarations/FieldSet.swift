/// A node type's fields: a struct with one stored property a field and its declarations.
///
///     struct TokenizeFields: FieldSet {
///       var maxLength = 1024
///       static let fields: [Field<Self>] = [
///         Field("max_length", \.maxLength, in: 1...1_048_576, unit: "tokens", doc: "Longest sequence kept")
///       ]
///     }
///
/// A property that has no default in the struct's `init()` is an Optional there and `required: true` in its
/// declaration.
package protocol FieldSet: Sendable {
  init()
  static var fields: [Field<Self>] { get }
}

/// What a field decides.
package enum FieldRole: String, Sendable, CaseIterable {
  /// The result: in the key.
  case result
  /// Only the speed: not in the key.
  case speed
  /// Nothing (labels, where things are put): not in the key.
  case none
}
