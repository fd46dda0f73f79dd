import PreciseJSON

/// What was seen in the headers of source files, by a key over their digests (see ``Inspection``): advice that spares
/// planning the look.
extension Store {
  func facets(for key: Digest) -> [String: Facet]? {
    advice(about: key, at: facetPlace(key))?.object.flatMap([String: Facet].init)
  }

  func setFacets(_ facets: [String: Facet], for key: Digest) {
    setAdvice(facets.json, about: key, at: facetPlace(key))
  }
}

extension [String: Facet] {
  /// A map with sorted keys.
  var json: JSON {
    JSON(
      sorted { $0.key < $1.key }.map { key, value -> (key: String, value: JSON) in
        switch value {
        case .text(let text): (key, JSON(text))
        case .integer(let integer): (key, JSON(integer))
        }
      })
  }

  /// - Parameter object: As ``json`` writes it, else nil.
  init?(_ object: JSONObject) {
    self.init()
    for (key, value) in object.members {
      if let text = value.string {
        self[key] = .text(text)
      } else if let integer = value.int {
        self[key] = .integer(integer)
      } else {
        return nil
      }
    }
  }
}
