extension Filters {
  /// Filters that make a string of a string.
  static let text: [String: Filter] = [
    "string": { value, arguments, _ in
      try arguments.none(in: "string")
      return .string(try value.text())
    },
    "safe": { value, _, _ in .string(try value.text().marked(true)) },
    "escape": escaped, "e": escaped,
    "forceescape": { value, _, _ in .string(try value.text().marked(false).escaped.marked(true)) },
    "upper": { value, _, _ in .string(try value.text().uppercased) },
    "lower": { value, _, _ in .string(try value.text().lowercased) },
    "capitalize": { value, _, _ in .string(try value.text().capitalized) },
    "title": { value, _, _ in .string(titled(try value.text()).marked(false)) },
    "trim": { value, arguments, _ in
      let characters = try arguments.bound(["chars"], in: "trim")[0].optionalText(in: "trim")
      return .string(try value.text().stripped(characters))
    },
    "replace": { value, arguments, _ in
      let bound = try arguments.bound(["old", "new", "count"], required: 2, in: "replace")
      let count = bound[2].flatMap { $0.isNone ? nil : $0 }
      return .string(
        try StringMethods.replaced(
          value.text().marked(false), bound[0]?.text() ?? Text(), with: bound[1]?.text().marked(false) ?? Text(),
          limit: count.whole(-1, in: "replace")))
    },
    "indent": { value, arguments, _ in
      let bound = try arguments.bound(["width", "first", "blank"], in: "indent")
      guard case .string(let text) = value else { throw Fault("`indent` needs a string, not `\(value.typeName)`") }
      let indentation: Text
      if case .some(.string(let width)) = bound[0] {
        indentation = width
      } else {
        let width = try bound[0].whole(4, in: "indent")
        try Interpreter.check(width)
        indentation = Text(scalars: Array(repeating: " ", count: max(0, width)))
      }
      return .string(try indented(text, indentation, first: bound[1].truth(false), blank: bound[2].truth(false)))
    },
    "center": { value, arguments, _ in
      let width = try arguments.bound(["width"], in: "center")[0].whole(80, in: "center")
      return .string(try StringMethods.padded(value.text(), width, " ", left: 1, right: 1))
    },
    "format": { value, arguments, _ in
      guard arguments.positional.isEmpty || arguments.named.isEmpty else {
        throw Fault("`format` takes arguments with names or without, not both")
      }
      if arguments.named.isEmpty {
        return .string(try PercentFormat.apply(value.text(), .tuple(arguments.positional)))
      }
      var members = ValueDictionary()
      for (name, value) in arguments.named { members.set(name: name, value) }
      return .string(try PercentFormat.apply(value.text(), .dictionary(members)))
    },
    "truncate": { value, arguments, _ in
      let bound = try arguments.bound(["length", "killwords", "end", "leeway"], in: "truncate")
      guard case .string(let text) = value else { throw Fault("`truncate` needs a string") }
      let length = try bound[0].whole(255, in: "truncate")
      let end = try bound[2].optionalText(in: "truncate") ?? "..."
      let leeway = try bound[3].flatMap { $0.isNone ? nil : $0 }.whole(5, in: "truncate")
      guard length >= end.count, leeway >= 0 else { throw Fault("`truncate` needs room for its end") }
      if text.count <= length.addingReportingOverflow(leeway).partialValue || length > text.count { return value }
      let cut = text[0..<length - end.count]
      if bound[1].truth(false) { return .string(cut + end) }
      return .string((try cut.splitFromRight(" ", limit: 1).first ?? cut) + end)
    },
    "wordcount": { value, _, _ in
      var words = 0
      var isInside = false
      for scalar in try value.text().scalars {
        if scalar.isWord != isInside { words += isInside ? 0 : 1 }
        isInside = scalar.isWord
      }
      return .int(words)
    },
  ]

  private static let escaped: Filter = { value, _, _ in .string(try value.text().escaped.marked(true)) }

  /// Jinja's own title case: words start after white space, hyphens and opening brackets.
  private static func titled(_ text: Text) -> Text {
    var result: [Unicode.Scalar] = []
    var word: [Unicode.Scalar] = []
    func flush() {
      guard let first = word.first else { return }
      result.append(contentsOf: first.properties.uppercaseMapping.unicodeScalars)
      result += Text(scalars: Array(word.dropFirst())).lowercased.scalars
      word = []
    }
    for scalar in text.scalars {
      if scalar.isPythonSpace || ["-", "(", "{", "[", "<"].contains(scalar) {
        flush()
        result.append(scalar)
      } else {
        word.append(scalar)
      }
    }
    flush()
    return text.changed(to: result)
  }

  private static func indented(_ text: Text, _ indentation: Text, first: Bool, blank: Bool) throws -> Text {
    // Jinja adds a line end before it splits, so that an empty last line counts.
    let lines = try (text + "\n").lines()
    let (size, overflow) = indentation.breadth.multipliedReportingOverflow(by: lines.count)
    try Budget.charge(overflow ? .max : size)
    try Interpreter.check(text.count + size)
    var result = (first ? indentation : Text()).marked(text.isMarkup)
    for (index, line) in lines.enumerated() {
      if index > 0 {
        result.append("\n")
        if blank || !line.isEmpty { result.append(indentation) }
      }
      result.append(line)
    }
    return result
  }
}
