import ChatTemplates
import Tokenization

/// What the tokens of a piece count: each what its first character does that is no white space, or its first one.
///
/// Where the tokens' text is not the piece's (a normalizer changed it, or a decoder drops the space in front), tokens are placed
/// by what both begin and end with in common. Empty where all count 1.
func tokenWeights(of ids: [Int32], in piece: TextPiece, _ tokenizer: Tokenizer) throws -> [Float] {
  guard !piece.weights.isEmpty, piece.isTrained else { return [] }
  let text = Array(piece.text.utf8)
  var decoder = StreamingDecoder(tokenizer, skipsSpecialTokens: false)
  var starts: [Int] = []
  var decoded: [UInt8] = []
  for id in ids {
    starts.append(decoded.count)
    decoded += Array(try decoder.push(id).utf8)
  }
  decoded += Array(try decoder.finish().utf8)
  let common = zip(text, decoded).prefix { $0 == $1 }.count
  let shorter = min(text.count, decoded.count)
  let ending = zip(text.reversed(), decoded.reversed()).prefix(shorter - common).prefix { $0 == $1 }.count
  func place(_ byte: Int) -> Int {
    if byte < common { return byte }
    if byte >= decoded.count - ending { return text.count - (decoded.count - byte) }
    let (inside, all) = (byte - common, decoded.count - ending - common)
    return common + inside * (text.count - ending - common) / max(1, all)
  }
  var stretch = 0
  let weights = starts.indices.map { index -> Float in
    let end = index + 1 < starts.count ? starts[index + 1] : decoded.count
    let said = (starts[index]..<max(starts[index], end)).first {
      !(decoded[$0] == 0x20 || (0x09...0x0D).contains(decoded[$0]))
    }
    let byte = place(said ?? starts[index])
    while stretch + 1 < piece.weights.count, piece.weights[stretch].end <= byte { stretch += 1 }
    return Float(piece.weights[stretch].weight)
  }
  return weights.allSatisfy { $0 == 1 } ? [] : weights
}
