extension Text {
  /// Python's `upper`: the full mapping of each scalar.
  var uppercased: Text {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(count)
    for scalar in scalars {
      if scalar.isASCII {
        result.append(("a"..."z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value - 0x20)) : scalar)
      } else {
        result.append(contentsOf: scalar.properties.uppercaseMapping.unicodeScalars)
      }
    }
    return changed(to: result)
  }

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

  /// Python's `swapcase`: upper case in lower case, all else in upper case.
  var swapped: Text {
    changed(
      to: scalars.indices.flatMap { index in
        let properties = scalars[index].properties
        return properties.isUppercase ? lowered(at: index) : Array(properties.uppercaseMapping.unicodeScalars)
      })
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

extension Text {
  /// The text with HTML's characters as entities, as `markupsafe` writes them; one that is marked already as it is.
  var escaped: Text {
    let entities: [Unicode.Scalar: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&#34;", "'": "&#39;"]
    guard !isMarkup, scalars.contains(where: { entities[$0] != nil }) else { return self }
    return changed(to: scalars.flatMap { entities[$0].map { Array($0.unicodeScalars) } ?? [$0] })
  }
}
