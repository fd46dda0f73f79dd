/// A trainable product B·A of rank R beside a weight: y += scale · dropout(x) Aᵀ Bᵀ.
///
/// LoRA (Hu et al. 2021).
package struct LowRankAdapter {
  /// [R, in].
  package let a: Parameter
  /// [out, R].
  package let b: Parameter
  /// alpha / R, or alpha / √R.
  package let scale: Float
  /// The probability that an input element is dropped while a tape records.
  package let dropout: Float
  /// Keeps the masks of different adapters apart; give each adapter of a model its own.
  package let dropoutStream: UInt64

  package var rank: Int { a.value.rows }

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` when `a` and `b` do not fit together.
  package init(a: Parameter, b: Parameter, scale: Float, dropout: Float = 0, dropoutStream: UInt64 = 0) throws {
    guard a.value.shape.count == 2 else {
      throw TensorError.shape(
        operation: "low-rank adapter", name: a.name, expected: [a.value.rows, a.value.columns], found: a.value.shape)
    }
    guard b.value.shape.count == 2, b.value.shape[1] == a.value.shape[0] else {
      throw TensorError.shape(
        operation: "low-rank adapter", name: b.name, expected: [b.value.rows, a.value.shape[0]], found: b.value.shape)
    }
    precondition(dropout >= 0 && dropout < 1, "A dropout probability lies in 0 ..< 1, found \(dropout)")
    self.a = a
    self.b = b
    self.scale = scale
    self.dropout = dropout
    self.dropoutStream = dropoutStream
  }

  private init(undropped adapter: LowRankAdapter) {
    a = adapter.a
    b = adapter.b
    scale = adapter.scale
    dropout = 0
    dropoutStream = adapter.dropoutStream
  }

  /// The same for rows of which elements are dropped already.
  package var withoutDropout: LowRankAdapter { LowRankAdapter(undropped: self) }
}

/// One linear map of an input: a weight, and what is added to its product.
package struct Projection {
  package let weight: MatrixWeight
  /// [out].
  package let bias: Parameter?
  package let adapter: LowRankAdapter?

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` when the bias or the adapter does not fit the weight.
  package init(weight: MatrixWeight, bias: Parameter? = nil, adapter: LowRankAdapter? = nil) throws {
    if let bias, bias.value.shape != [weight.outputs] {
      throw TensorError.shape(
        operation: "projection", name: bias.name, expected: [weight.outputs], found: bias.value.shape)
    }
    if let adapter {
      let rank = adapter.rank
      if adapter.a.value.shape != [rank, weight.inputs] {
        throw TensorError.shape(
          operation: "projection", name: adapter.a.name, expected: [rank, weight.inputs], found: adapter.a.value.shape)
      }
      if adapter.b.value.shape != [weight.outputs, rank] {
        throw TensorError.shape(
          operation: "projection", name: adapter.b.name, expected: [weight.outputs, rank], found: adapter.b.value.shape)
      }
    }
    self.weight = weight
    self.bias = bias
    self.adapter = adapter
  }

  private init(_ weight: MatrixWeight, _ bias: Parameter?, _ adapter: LowRankAdapter?) {
    self.weight = weight
    self.bias = bias
    self.adapter = adapter
  }

  /// A weight alone.
  package init(bare weight: MatrixWeight) { self.init(weight, nil, nil) }

  /// The map with another bias.
  package func with(bias: Parameter?) -> Projection { Projection(weight, bias, adapter) }

  /// The map with an adapter, which fits the weight.
  package func with(adapter: LowRankAdapter?) -> Projection {
    if let adapter {
      precondition(
        adapter.a.value.columns == weight.inputs && adapter.b.value.rows == weight.outputs,
        "The adapter is for another weight")
    }
    return Projection(weight, bias, adapter)
  }
}
