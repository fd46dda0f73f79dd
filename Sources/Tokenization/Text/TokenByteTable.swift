import Synchronization

/// The bytes that each id stands for in a byte-level vocabulary.
struct TokenByteTable: Sendable {
  private var bytes: [UInt8] = []
  /// Where the bytes of each id start; one more than there are ids.
  private var starts: [UInt32] = [0]

  /// - Parameter addedTokens: By rising id, each id once.
  init(_ vocabulary: Vocabulary, _ addedTokens: [AddedToken]) {
    let count = max(vocabulary.idCount, Int(addedTokens.last?.id ?? -1) + 1)
    var added = addedTokens[...]
    starts.reserveCapacity(count + 1)
    bytes.reserveCapacity(count * 7)
    var token: [UInt8] = []
    var letters: [UInt8] = []
    for id in 0..<Int32(count) {
      token.removeAll(keepingCapacity: true)
      if let next = added.first, next.id == id {
        token += next.content.utf8
        added = added.dropFirst()
        // A token of one letter is text: where the letter would stand for a byte that is none by itself, as `ø` does, it
        // stands for itself. HF gives a replacement character there; of longer tokens so does this.
        letters.removeAll(keepingCapacity: true)
        let isAlphabet = token.withUnsafeBufferPointer { ByteLevelAlphabet.appendBytes(of: $0, to: &letters) }
        if isAlphabet, next.content.unicodeScalars.count == 1, String(validating: letters, as: UTF8.self) == nil {
          bytes.append(contentsOf: token)
          starts.append(UInt32(bytes.count))
          continue
        }
      } else {
        vocabulary.appendBytes(of: id, to: &token)
      }
      token.withUnsafeBufferPointer { token in
        // HF takes a token that is not written in the alphabet as it stands.
        if !ByteLevelAlphabet.appendBytes(of: token, to: &bytes) { bytes.append(contentsOf: token) }
      }
      starts.append(UInt32(bytes.count))
    }
  }

  /// Appends the bytes of an id; nothing for an id without a token.
  func append(_ id: Int32, to out: inout [UInt8]) {
    guard id >= 0, Int(id) + 1 < starts.count else { return }
    out.append(contentsOf: bytes[Int(starts[Int(id)])..<Int(starts[Int(id) + 1])])
  }
}

/// A ``TokenByteTable`` that is made when it is first asked for: encoding never needs it.
final class LazyTokenByteTable: Sendable {
  private let vocabulary: Vocabulary
  private let addedTokens: [AddedToken]
  private let made = Mutex<TokenByteTable?>(nil)

  init(_ vocabulary: Vocabulary, _ addedTokens: [AddedToken]) {
    self.vocabulary = vocabulary
    self.addedTokens = addedTokens
  }

  /// Cost of the first call: a pass over the vocabulary, some 5 ms for 150,000 tokens.
  var table: TokenByteTable {
    made.withLock { made in
      if let made { return made }
      let table = TokenByteTable(vocabulary, addedTokens)
      made = table
      return table
    }
  }
}
