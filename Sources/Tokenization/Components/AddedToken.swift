import PreciseJSON

/// A token that is found in the text before anything is cut, such as `<|im_end|>`.
package struct AddedToken: Sendable, Hashable {
  package var id: Int32
  package var content: String
  /// Special tokens can be left out when decoding.
  package var isSpecial: Bool
  /// Whether it is looked for in the normalised text rather than in the original.
  package var isNormalized: Bool
  /// Whether it counts only where no word character touches it.
  package var isSingleWord: Bool
  /// Whether white space before it belongs to it.
  package var stripsLeft: Bool
  package var stripsRight: Bool

  init(
    id: Int32, content: String, isSpecial: Bool, isNormalized: Bool = false, isSingleWord: Bool = false,
    stripsLeft: Bool = false, stripsRight: Bool = false
  ) {
    self.id = id
    self.content = content
    self.isSpecial = isSpecial
    self.isNormalized = isNormalized
    self.isSingleWord = isSingleWord
    self.stripsLeft = stripsLeft
    self.stripsRight = stripsRight
  }

  init(_ reader: ComponentReader, id: Int32) throws {
    isSpecial = try reader.bool("special", default: false)
    self.id = id
    content = try reader.string("content")
    isNormalized = try reader.bool("normalized", default: !isSpecial)
    isSingleWord = try reader.bool("single_word", default: false)
    stripsLeft = try reader.bool("lstrip", default: false)
    stripsRight = try reader.bool("rstrip", default: false)
  }

  /// The token as `added_tokens` of HF's JSON says it.
  var json: JSON {
    [
      "id": JSON(Int(id)), "content": .string(content), "single_word": .bool(isSingleWord),
      "lstrip": .bool(stripsLeft), "rstrip": .bool(stripsRight), "normalized": .bool(isNormalized),
      "special": .bool(isSpecial),
    ]
  }
}
