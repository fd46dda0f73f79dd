import Foundation

/// The pieces of a `tokenizer.model`, a protocol buffer: enough of one to make a GGUF file of a real model.
struct SentencePieceFile {
  private(set) var texts: [String] = []
  private(set) var scores: [Float] = []
  private(set) var kinds: [Int32] = []

  init(path: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for field in Self.fields(bytes[...]) where field.number == 1 {
      var kind: Int32 = 1
      var score: Float = 0
      for part in Self.fields(field.content) {
        switch part.number {
        case 1: texts.append(String(decoding: part.content, as: UTF8.self))
        case 2: score = Float(bitPattern: part.content.reversed().reduce(0) { $0 << 8 | UInt32($1) })
        default: kind = Int32(part.value)
        }
      }
      scores.append(score)
      kinds.append(kind)
    }
  }

  /// The fields of a message, those of numbers by value.
  private static func fields(
    _ bytes: ArraySlice<UInt8>
  ) -> [(number: Int, value: Int, content: ArraySlice<UInt8>)] {
    var fields: [(number: Int, value: Int, content: ArraySlice<UInt8>)] = []
    var rest = bytes
    func number() -> Int {
      var (value, shift) = (0, 0)
      while let byte = rest.popFirst() {
        value |= Int(byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 { break }
      }
      return value
    }
    while !rest.isEmpty {
      let tag = number()
      switch tag & 7 {
      case 0: fields.append((tag >> 3, number(), []))
      default:
        let count = tag & 7 == 5 ? 4 : number()
        fields.append((tag >> 3, 0, rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
    }
    return fields
  }
}
