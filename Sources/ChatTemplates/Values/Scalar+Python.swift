extension Unicode.Scalar {
  /// What Python's `str.isspace`, `str.strip` and `\s` take as white space.
  var isPythonSpace: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }

  /// What ends a line for Python's `str.splitlines`.
  var isPythonLineEnd: Bool {
    switch value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  var isLetter: Bool {
    if isASCII { return ("a"..."z").contains(self) || ("A"..."Z").contains(self) }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return true
    default: return false
    }
  }

  /// What Python's `str.isdecimal` accepts.
  var isDecimal: Bool { properties.numericType == .decimal }
  /// What Python's `str.isdigit` accepts.
  var isDigit: Bool { properties.numericType == .decimal || properties.numericType == .digit }
  /// What Python's `\w` accepts.
  var isWord: Bool { self == "_" || isLetter || properties.numericType != nil }

  /// What Python's `repr` writes as it is.
  var isPrintable: Bool {
    if isASCII { return (" "..."~").contains(self) }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      .spaceSeparator:
      return false
    default: return true
    }
  }

  /// The value of an ASCII digit in base 16, nil for anything else.
  var hexadecimalDigit: UInt32? {
    switch value {
    case 0x30...0x39: value - 0x30
    case 0x41...0x46: value - 0x41 + 10
    case 0x61...0x66: value - 0x61 + 10
    default: nil
    }
  }
}
