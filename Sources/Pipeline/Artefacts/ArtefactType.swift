/// What kind of thing an artefact is: a name such as `tokens` and facets such as the tokenizer it was made with.
///
/// Types are inferred for every port before anything runs. A facet that cannot be known so early (it is written in a
/// file that a node has yet to make) is absent and is checked when the node starts.
package struct ArtefactType: Sendable, Hashable {
  package var name: String
  package var facets: [String: Facet]

  package init(_ name: String, _ facets: [String: Facet] = [:]) {
    self.name = name
    self.facets = facets
  }

  package subscript(facet: String) -> Facet? { facets[facet] }
}

/// The value of one facet.
package enum Facet: Sendable, Hashable {
  case text(String)
  case integer(Int)

  package var text: String? { if case .text(let value) = self { value } else { nil } }
  package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
}

extension Facet: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, CustomStringConvertible {
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }

  package var description: String {
    switch self {
    case .text(let value): value
    case .integer(let value): String(value)
    }
  }
}
