/// Cuts a template into tokens as Jinja 3.1 does with `trim_blocks` and `lstrip_blocks`.
///
/// Whitespace rules: `-` strips white space on its side; without `+` the white space between the start of a line and a
/// block or comment goes (`lstrip_blocks`), and one line end after a block or comment goes (`trim_blocks`).
struct Lexer {
  let source: TemplateSource
  var scalars: [Unicode.Scalar] { source.scalars }
  var index = 0
  var tokens: [Token] = []
  /// Whether the text before `index` ended a line, or nothing is before it.
  private var atLineStart = true

  init(_ source: TemplateSource) { self.source = source }

  /// - Throws: ``TemplateError``
  static func tokens(of source: TemplateSource) throws -> [Token] {
    var lexer = Lexer(source)
    do {
      try lexer.root()
    } catch let fault as Fault {
      throw source.error(fault, at: lexer.index)
    }
    return lexer.tokens
  }

  func at(_ offset: Int) -> Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }

  private mutating func root() throws {
    while index < scalars.count {
      let start = index
      var next = index
      while next < scalars.count,
        !(scalars[next] == "{" && next + 1 < scalars.count && ["%", "{", "#"].contains(scalars[next + 1]))
      { next += 1 }
      guard next < scalars.count else {
        data(start..<next)
        index = next
        break
      }
      let kind = scalars[next + 1]
      var cursor = next + 2
      let sign = at(cursor).flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
      if sign != nil { cursor += 1 }
      data(stripped(start..<next, sign: sign, isVariable: kind == "{"))
      index = next
      switch kind {
      case "#": try comment(from: cursor)
      case "{":
        tokens.append(Token(kind: .variableBegin, position: next))
        index = cursor
        try tag(isVariable: true)
      default:
        if let inside = rawBegin(from: cursor) {
          try raw(from: inside)
        } else {
          tokens.append(Token(kind: .blockBegin, position: next))
          index = cursor
          try tag(isVariable: false)
        }
      }
    }
    tokens.append(Token(kind: .end, position: scalars.count))
  }

  private mutating func data(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    tokens.append(Token(kind: .data(Text(scalars: Array(scalars[range]))), position: range.lowerBound))
  }

  /// What stays of the data before a tag.
  private func stripped(_ range: Range<Int>, sign: Unicode.Scalar?, isVariable: Bool) -> Range<Int> {
    if sign == "-" {
      var end = range.upperBound
      while end > range.lowerBound, scalars[end - 1].isPythonSpace { end -= 1 }
      return range.lowerBound..<end
    }
    if sign == "+" || isVariable { return range }
    var lineStart = range.upperBound
    while lineStart > range.lowerBound, scalars[lineStart - 1] != "\n" {
      if !scalars[lineStart - 1].isPythonSpace { return range }
      lineStart -= 1
    }
    return lineStart > range.lowerBound || atLineStart ? range.lowerBound..<lineStart : range
  }

  /// Passes over the end of a block or comment whose closing text stands at `cursor`, with its sign before it.
  private mutating func close(_ cursor: Int, sign: Unicode.Scalar?) {
    index = cursor + 2
    if sign == "-" {
      while index < scalars.count, scalars[index].isPythonSpace { index += 1 }
    } else if sign == nil, at(index) == "\n" {
      index += 1
    }
    atLineStart = scalars[index - 1] == "\n"
  }

  private mutating func comment(from start: Int) throws {
    var cursor = start
    while cursor + 1 < scalars.count {
      if scalars[cursor] == "#", scalars[cursor + 1] == "}" {
        let before = cursor > start ? scalars[cursor - 1] : nil
        close(cursor, sign: before == "-" || before == "+" ? before : nil)
        return
      }
      cursor += 1
    }
    throw Fault(.syntax, "the comment that starts here has no `#}`")
  }

  /// Where the content of `{% raw %}` starts when one stands here.
  private func rawBegin(from start: Int) -> Int? {
    var cursor = skippingSpace(start)
    guard word("raw", at: cursor) else { return nil }
    cursor = skippingSpace(cursor + 3)
    if at(cursor) == "-", at(cursor + 1) == "%", at(cursor + 2) == "}" { return skippingSpace(cursor + 3) }
    return at(cursor) == "%" && at(cursor + 1) == "}" ? cursor + 2 : nil
  }

  private mutating func raw(from start: Int) throws {
    atLineStart = scalars[start - 1] == "\n"
    var cursor = start
    while cursor + 1 < scalars.count {
      if scalars[cursor] == "{", scalars[cursor + 1] == "%" {
        var inside = cursor + 2
        let sign = at(inside).flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
        if sign != nil { inside += 1 }
        inside = skippingSpace(inside)
        if word("endraw", at: inside) {
          inside = skippingSpace(inside + 6)
          let closing = at(inside).flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
          if closing != nil { inside += 1 }
          if at(inside) == "%", at(inside + 1) == "}" {
            data(stripped(start..<cursor, sign: sign, isVariable: false))
            close(inside, sign: closing)
            return
          }
        }
      }
      cursor += 1
    }
    throw Fault(.syntax, "the raw block that starts here has no `{% endraw %}`")
  }

  func skippingSpace(_ start: Int) -> Int {
    var cursor = start
    while cursor < scalars.count, scalars[cursor].isPythonSpace { cursor += 1 }
    return cursor
  }

  private func word(_ word: String, at start: Int) -> Bool {
    var cursor = start
    for scalar in word.unicodeScalars {
      guard at(cursor) == scalar else { return false }
      cursor += 1
    }
    return true
  }

  /// Reads the inside of `{{ … }}` or `{% … %}` up to and with its end.
  private mutating func tag(isVariable: Bool) throws {
    var open: [Unicode.Scalar] = []
    let closing: Unicode.Scalar = isVariable ? "}" : "%"
    while true {
      index = skippingSpace(index)
      guard let scalar = at(index) else {
        throw Fault(.syntax, "the tag has no `\(isVariable ? "}}" : "%}")`")
      }
      if open.isEmpty {
        let signed = scalar == "-" || (scalar == "+" && !isVariable)
        let cursor = signed ? index + 1 : index
        if at(cursor) == closing, at(cursor + 1) == "}" {
          tokens.append(Token(kind: isVariable ? .variableEnd : .blockEnd, position: index))
          if isVariable, !signed {
            // A line end after a variable is never dropped.
            index = cursor + 2
            atLineStart = false
          } else {
            close(cursor, sign: signed ? scalar : nil)
          }
          return
        }
      }
      let position = index
      let kind = try token(scalar)
      if case .sign(let sign) = kind { try balance(sign, &open, at: position) }
      tokens.append(Token(kind: kind, position: position))
    }
  }

  private mutating func balance(_ sign: String, _ open: inout [Unicode.Scalar], at position: Int) throws {
    switch sign {
    case "(": open.append(")")
    case "[": open.append("]")
    case "{": open.append("}")
    case ")", "]", "}":
      guard let expected = open.popLast() else {
        index = position
        throw Fault(.syntax, "unexpected `\(sign)`")
      }
      guard String(expected) == sign else {
        index = position
        throw Fault(.syntax, "unexpected `\(sign)`, expected `\(expected)`")
      }
    default: break
    }
  }
}
