/// The application's tests of what nodes made, by the name of the artefact's type; each output passes them before
/// anything of it is published.
package struct PublicationCheck: Sendable {
  /// Throws when the files are not what their type promises: a header that cannot be read, a count that is wrong.
  package typealias Validator = @Sendable (ArtefactView) throws -> Void

  private let validators: [String: Validator]

  package init(_ validators: [String: Validator] = [:]) { self.validators = validators }

  /// Throws what the validator of the artefact's type throws; types without one pass.
  package func callAsFunction(_ view: ArtefactView) throws { try validators[view.type.name]?(view) }
}
