import PreciseJSON

/// Reads the vocabulary and the merges of byte-pair encoding from JSON text, byte by byte, since they hold hundreds of
/// thousands of strings.
struct VocabularyReader {
  let bytes: UnsafeRawBufferPointer
  let file: String

  /// The error for a stretch of text that the fast scan could not read: what `JSONReader` says about it, else `problem`.
  private func failure(
    _ path: String, _ problem: TokenizerError.Problem, at offset: Int
  ) -> any Error {
    do {
      _ = try JSONReader.read(bytes, file: file)
    } catch { return error }
    return TokenizerError(problem, file: file, path: path, byteOffset: offset)
  }

  /// Reads `{"token": id, …}`.
  func vocabulary(_ scanner: inout JSONScanner, path: String) throws -> Vocabulary {
    // With its merge a token takes some 70 bytes; the tables grow when this is too few.
    let expected = (scanner.end - scanner.index) / 70
    var vocabulary = Vocabulary(expectedTokens: expected, expectedBytes: expected * 8)
    let buffer = UnescapedText()
    do {
      try scanner.expect(UInt8(ascii: "{"))
      if scanner.take(UInt8(ascii: "}")) { return vocabulary }
      while true {
        scanner.skipSpace()
        let start = scanner.index
        let token = try scanner.string(buffer)
        try scanner.expect(UInt8(ascii: ":"))
        let id = try id(&scanner, token: token, path: path)
        try add(token, id: id, to: &vocabulary, path: path, offset: start)
        if scanner.take(UInt8(ascii: "}")) { return vocabulary }
        try scanner.expect(UInt8(ascii: ","))
      }
    } catch is JSONScanner.Stopped {
      let problem = TokenizerError.Problem.wrongType(expected: "an object of token ids", found: "something else")
      throw failure(path, problem, at: scanner.index)
    }
  }

  private func id(_ scanner: inout JSONScanner, token: UnsafeBufferPointer<UInt8>, path: String) throws -> Int32 {
    scanner.skipSpace()
    let start = scanner.index
    var value = 0
    while scanner.index < scanner.end, (0x30...0x39).contains(bytes[scanner.index]), value < Vocabulary.idLimit {
      value = value * 10 + Int(bytes[scanner.index] - 0x30)
      scanner.index += 1
    }
    guard scanner.index < scanner.end else { throw JSONScanner.Stopped() }
    let isWhole =
      scanner.index > start
      && [0x2C, 0x7D, 0x20, 0x0A, 0x0D, 0x09].contains(bytes[scanner.index])
    if isWhole, value < Vocabulary.idLimit { return Int32(value) }
    // Something else stands here: read it as JSON to say what.
    scanner.index = start
    let range = try scanner.skipValue()
    let json = try JSONReader.read(
      UnsafeRawBufferPointer(rebasing: bytes[range]), file: file, origin: (range.lowerBound, 1))
    let tokenPath = "\(path).\(String(decoding: token, as: UTF8.self))"
    if case .number(let number) = json {
      throw TokenizerError(
        .idOutOfRange(number.text, limit: Vocabulary.idLimit - 1), file: file, path: tokenPath, byteOffset: start)
    }
    throw TokenizerError(
      .wrongType(expected: "a token id", found: json.kind), file: file, path: tokenPath, byteOffset: start)
  }

  private func add(
    _ token: UnsafeBufferPointer<UInt8>, id: Int32, to vocabulary: inout Vocabulary, path: String, offset: Int
  ) throws {
    do throws(Vocabulary.Collision) { try vocabulary.add(token, id: id) } catch {
      let text = String(decoding: token, as: UTF8.self)
      let problem: TokenizerError.Problem =
        switch error {
        case .token: .duplicateToken(text)
        case .id(let first): .duplicateID(Int(id), first: String(decoding: first, as: UTF8.self), second: text)
        }
      throw TokenizerError(problem, file: file, path: path, byteOffset: offset)
    }
  }

  /// Reads `["a b", …]` or `[["a", "b"], …]`.
  func merges(_ scanner: inout JSONScanner, path: String, _ vocabulary: Vocabulary) throws -> MergeTable {
    var list = MergeList(vocabulary, expected: vocabulary.tokenCount)
    let leftBuffer = UnescapedText()
    let rightBuffer = UnescapedText()
    do {
      try scanner.expect(UInt8(ascii: "["))
      if scanner.take(UInt8(ascii: "]")) { return MergeTable(list.merges) }
      while true {
        scanner.skipSpace()
        let start = scanner.index
        let left: UnsafeBufferPointer<UInt8>
        let right: UnsafeBufferPointer<UInt8>
        if scanner.take(UInt8(ascii: "[")) {
          left = try scanner.string(leftBuffer)
          try scanner.expect(UInt8(ascii: ","))
          right = try scanner.string(rightBuffer)
          try scanner.expect(UInt8(ascii: "]"))
        } else {
          let line = try scanner.string(leftBuffer)
          guard let sides = MergeList.sides(of: line) else {
            throw TokenizerError(
              .invalidMerge(String(decoding: line, as: UTF8.self)), file: file, path: "\(path)[\(list.merges.count)]",
              byteOffset: start)
          }
          (left, right) = sides
        }
        do throws(MergeList.UnknownToken) { try list.append(left, right) } catch {
          throw TokenizerError(
            .unknownToken(error.token), file: file, path: "\(path)[\(list.merges.count)]", byteOffset: start)
        }
        if scanner.take(UInt8(ascii: "]")) { return MergeTable(list.merges) }
        try scanner.expect(UInt8(ascii: ","))
      }
    } catch is JSONScanner.Stopped {
      throw failure("\(path)[\(list.merges.count)]", .invalidMerge("…"), at: scanner.index)
    }
  }
}
