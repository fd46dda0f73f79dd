import PreciseJSON

extension Tokenizer {
  /// The canonical bytes of everything that decides encoding, decoding and special tokens.
  ///
  /// The chat template is not in it. Equal bytes mean the same tokenizer, wherever it was read from. Cost: writes the
  /// whole vocabulary.
  ///
  /// Layout: fields of a one-byte tag, an eight-byte little-endian length and the content. The tag `v` carries the
  /// version of this layout.
  package var definition: [UInt8] {
    var writer = DefinitionWriter()
    writer.field("v", [1])
    let model = pipeline.model
    writer.field("f", [model.ignoresMerges ? 1 : 0, model.symbols.fusesUnknown ? 1 : 0])
    writer.field("u", DefinitionWriter.number(model.symbols.unknownID ?? -1))
    writer.field("b", (model.symbols.fallbackIDs ?? []).flatMap(DefinitionWriter.number))
    for id in 0..<Int32(vocabularySize) where pipeline.addedByID[id] == nil {
      model.vocabulary.withBytes(of: id) { writer.field("t", id, $0) }
    }
    for merge in model.merges.ordered {
      withUnsafeBytes(of: merge.right.littleEndian) {
        writer.field("m", merge.left, $0.bindMemory(to: UInt8.self))
      }
    }
    for token in pipeline.addedTokens { writer.field("a", text(of: token.json)) }
    writer.field("n", text(of: pipeline.normalizer?.canonical ?? .null))
    writer.field("p", text(of: .array((pipeline.preTokenizer?.flattened ?? []).map(\.json))))
    writer.field("d", text(of: pipeline.decoder?.json ?? .null))
    writer.field("<", pipeline.postProcessor.before.flatMap(DefinitionWriter.number))
    writer.field(">", pipeline.postProcessor.after.flatMap(DefinitionWriter.number))
    for token in [specialTokens.bos, specialTokens.eos, specialTokens.pad, specialTokens.unknown] {
      writer.field("s", DefinitionWriter.number(token?.id ?? -1))
    }
    writer.field("e", endOfTurnIDs.flatMap(DefinitionWriter.number))
    return writer.bytes
  }

  private func text(of json: JSON) -> [UInt8] { json.bytes(JSONLayout(sortedKeys: true)) }
}

extension Normalizer {
  /// The component as JSON, null when it changes nothing.
  fileprivate var canonical: JSON {
    if case .sequence(let steps) = self, steps.isEmpty { return .null }
    return json
  }
}

private struct DefinitionWriter {
  private(set) var bytes: [UInt8] = []

  mutating func field(_ tag: Unicode.Scalar, _ content: [UInt8]) {
    start(tag, content.count)
    bytes.append(contentsOf: content)
  }

  /// A field of a number and bytes, of which there are very many.
  mutating func field(_ tag: Unicode.Scalar, _ number: Int32, _ content: UnsafeBufferPointer<UInt8>) {
    start(tag, 4 + content.count)
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: content)
  }

  private mutating func start(_ tag: Unicode.Scalar, _ count: Int) {
    bytes.append(UInt8(truncatingIfNeeded: tag.value))
    withUnsafeBytes(of: UInt64(count).littleEndian) { bytes.append(contentsOf: $0) }
  }

  static func number(_ value: Int32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
}
