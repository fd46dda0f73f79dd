import PreciseJSON

/// What is put around the ids of a text when special tokens are asked for.
struct PostProcessor: Sendable, Equatable {
  var before: [Int32] = []
  var after: [Int32] = []

  static let names = ["TemplateProcessing", "ByteLevel", "Sequence", "RobertaProcessing", "BertProcessing"]

  init(before: [Int32] = [], after: [Int32] = []) {
    self.before = before
    self.after = after
  }

  /// - Throws: ``TokenizerError`` for an unknown component, or a template that does not hold the text exactly once.
  init(_ reader: ComponentReader) throws {
    self.init()
    switch try reader.type("post-processor", known: Self.names) {
    case "Sequence":
      for step in try reader.list("processors").map({ try PostProcessor($0) }) {
        before = step.before + before
        after += step.after
      }
    case "TemplateProcessing": try readTemplate(reader)
    case "RobertaProcessing", "BertProcessing":
      before = [try Self.id(reader.required("cls", "a token and its id"))]
      after = [try Self.id(reader.required("sep", "a token and its id"))]
    default: break
    }
  }

  private static func id(_ reader: ComponentReader) throws -> Int32 {
    let pair = try reader.list()
    guard pair.count == 2 else {
      throw reader.error(.wrongType(expected: "a token and its id", found: reader.value.kind))
    }
    return try checked(pair[1])
  }

  private static func checked(_ reader: ComponentReader) throws -> Int32 {
    let id = try reader.int()
    guard (0..<Vocabulary.idLimit).contains(id) else {
      throw reader.error(.idOutOfRange(String(id), limit: Vocabulary.idLimit - 1))
    }
    return Int32(id)
  }

  /// Reads what stands around the text in `single`.
  private mutating func readTemplate(_ reader: ComponentReader) throws {
    var seen = 0
    for piece in try reader.list("single") {
      if piece.member("Sequence") != nil {
        seen += 1
      } else {
        let name = try piece.required("SpecialToken", "`Sequence` or `SpecialToken`").required("id", "a name")
        let text = try name.string()
        let ids = try reader.required("special_tokens", "an object").member(text)?.list("ids").map(Self.checked)
        guard let ids else { throw name.error(.unknownToken(text)) }
        if seen == 0 { before += ids } else { after += ids }
      }
    }
    guard seen == 1 else {
      throw reader.error(.invalidValue("template", reason: "the text must stand in it once, it stands \(seen) times"))
    }
  }
}
