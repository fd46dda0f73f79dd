extension Text {
  /// Python's `upper`: the full mapping of each scalar.
  var uppercased: Text { changed(to: scalars.flatMap { Array($0.properties.uppercaseMapping.unicodeScalars) }) }

  /// Python's `lower`: the full mapping of each scalar, and the final form of sigma at the end of a word.
  var lowercased: Text {
    changed(to: scalars.indices.flatMap { lowered(at: $0) })
  }

  /// Python's `capitalize`: the first scalar in title case, the others in lower case.
  var capitalized: Text {
    changed(
      to: scalars.indices.flatMap { index in
        index == 0 ? Array(scalars[0].properties.titlecaseMapping.unicodeScalars) : lowered(at: index)
      })
  }

  /// Python's `str.title`: a cased scalar after an uncased one starts a word.
  var titled: Text {
    var result: [Unicode.Scalar] = []
    var afterCased = false
    for (index, scalar) in scalars.enumerated() {
      result += afterCased ? lowered(at: index) : Array(scalar.properties.titlecaseMapping.unicodeScalars)
      afterCased = scalar.properties.isCased
    }
    return changed(to: result)
  }

  private func lowered(at index: Int) -> [Unicode.Scalar] {
    let scalar = scalars[index]
    guard scalar == "\u{3A3}" else { return Array(scalar.properties.lowercaseMapping.unicodeScalars) }
    // Final sigma (Unicode SpecialCasing): a cased scalar before, none after, case-ignorable ones skipped.
    let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
    let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    let isFinal = before?.properties.isCased == true && after?.properties.isCased != true
    return [isFinal ? "\u{3C2}" : "\u{3C3}"]
  }
}
