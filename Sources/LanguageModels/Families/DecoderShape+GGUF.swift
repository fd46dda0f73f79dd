import PreciseJSON
import Tensors

extension DecoderShape {
  /// Reads the metadata of a GGUF file that these families share.
  ///
  /// - Parameters:
  ///   - turnsPairs: Whether rotary positions turn neighbours in Hugging Face's order of rows.
  ///   - epsilonKey: What norms add.
  ///   - isLatent: Whether heads are said otherwise: their size here is then that of the part that turns.
  init(
    _ reader: inout GGUFReader, turnsPairs: Bool = false, epsilonKey: String = "attention.layer_norm_rms_epsilon",
    isLatent: Bool = false
  ) {
    let hiddenSize = reader.positive("embedding_length")
    let queryHeads = reader.positive("attention.head_count")
    let vocabularySize = reader.vocabularySize
    let positions = reader.positive("context_length")
    let headDimension =
      isLatent
      ? reader.positive("rope.dimension_count") : reader.headDimension(default: max(1, hiddenSize / queryHeads))
    let turned = reader.positive("rope.dimension_count", default: headDimension)
    if reader.layout.interleavesHeads, turned != headDimension {
      reader.values.report(
        .inconsistent("Heads have \(headDimension) elements and rotary positions \(turned): they must agree"))
    }
    self.init(
      hiddenSize: hiddenSize, layerCount: reader.positive("block_count", atMost: ConfigurationReader.mostLayers),
      queryHeads: queryHeads,
      keyValueHeads: isLatent ? queryHeads : reader.positive("attention.head_count_kv", default: queryHeads),
      headDimension: headDimension, feedForwardSize: reader.positive("feed_forward_length"),
      vocabularySize: vocabularySize, maximumPositions: positions,
      normEpsilon: Float(reader.positiveReal(epsilonKey)),
      rotary: RotaryConfiguration(&reader, dimension: turned, positions: positions, turnsPairs: turnsPairs),
      tiesHead: reader.tiesHead)
  }

  /// Names of a block's tensors, those that a family has besides and in place of Llama's.
  static func ggufNames(with names: [String: String]) -> [String: String] { ggufNames.merging(names) { $1 } }

  /// The maps for which a GGUF file holds biases.
  static func biases(_ reader: GGUFReader) -> Set<Map> { Set(Map.allCases.filter { reader.hasBias($0.rawValue) }) }
}

extension GGUFReader {
  /// The elements of a head, which are those of its values too.
  fileprivate mutating func headDimension(default fallback: Int) -> Int {
    let headDimension = positive("attention.key_length", default: fallback)
    let valueLength = positive("attention.value_length", default: headDimension)
    if valueLength != headDimension {
      values.report(
        .inconsistent("Heads have \(headDimension) elements and values \(valueLength): they must agree"))
    }
    return headDimension
  }
}
