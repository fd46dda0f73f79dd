import Glibc
import Tensors

/// What makes learned tokens from parameters of its own while they are learned: they move together, and further in a step.
///
/// Folders hold the tokens that it makes and not itself once they are learned; see ``PromptMethod/made``.
package protocol PromptEncoder: Sendable {
  /// Its parameters, by PEFT's names.
  var tensors: [AdapterTensor] { get }
  /// The tokens [n, width], from parameters in the order of ``tensors``.
  func tokens(_ tape: Tape, _ parameters: [Parameter]) -> Variable
  /// Some of their columns.
  func columns(_ tape: Tape, _ parameters: [Parameter], _ range: Range<Int>) -> Variable
}

extension PromptEncoder {
  package func columns(_ tape: Tape, _ parameters: [Parameter], _ range: Range<Int>) -> Variable {
    tape.columns(of: tokens(tape, parameters), range)
  }

  /// The first values of ``tensors``, as PyTorch draws them: embeddings normal with a deviation of 1, the rest uniform
  /// between ±1/√n, where n is what the layer reads, or the size of its state.
  ///
  /// - Parameter random: The random numbers of a tensor, by its name.
  package func start(_ random: (String) -> CounterRandom) -> [Tensor] {
    tensors.map { tensor in
      var random = random(tensor.name)
      let values = Tensor(uninitialized: tensor.shape)
      let bound = 1 / Float(spread(of: tensor)).squareRoot()
      for index in 0..<values.count {
        values.pointer[index] = tensor.kind == .embedding ? random.normal() : (2 * random.uniform() - 1) * bound
      }
      return values
    }
  }

  /// What the bound of a tensor's first values hangs on.
  private func spread(of tensor: AdapterTensor) -> Int {
    if tensor.name.contains(RecurrentEncoder.layerName) { return tensor.shape[0] / 4 }
    let weight = tensor.name.replacing(".bias", with: ".weight")
    return tensors.first { $0.name == weight }?.shape.last ?? 1
  }
}

/// Tokens that maps with rectifiers between them make of vectors, one by one: p-tuning (arXiv:2103.10385) as PEFT has it.
struct PerceptronEncoder: PromptEncoder {
  let virtualTokens: Int
  let width: Int
  /// How many numbers stand between the maps.
  let inner: Int

  var tensors: [AdapterTensor] {
    [AdapterTensor("prompt_encoder.embedding.weight", [virtualTokens, width], .embedding)]
      + [(0, width, inner), (2, inner, inner), (4, inner, width)].flatMap { number, inputs, outputs in
        AdapterTensor.layer("prompt_encoder.mlp_head.\(number)", inputs: inputs, outputs: outputs)
      }
  }

  func tokens(_ tape: Tape, _ parameters: [Parameter]) -> Variable {
    var x = tape.variable(of: parameters[0])
    for first in [1, 3, 5] {
      x = tape.layer(x, parameters[first], parameters[first + 1])
      if first < 5 { x = tape.activation(x, .relu) }
    }
    return x
  }
}

/// Keys and values that two maps make of vectors, one token by one: prefix tuning with a projection (arXiv:2101.00190, §4.3).
struct ProjectionEncoder: PromptEncoder {
  let virtualTokens: Int
  /// How many numbers a vector has: as many as a layer's keys.
  let keys: Int
  let inner: Int
  let width: Int

  var tensors: [AdapterTensor] {
    [AdapterTensor("prompt_encoder.embedding.weight", [virtualTokens, keys], .embedding)]
      + AdapterTensor.layer("prompt_encoder.transform.0", inputs: keys, outputs: inner)
      + AdapterTensor.layer("prompt_encoder.transform.2", inputs: inner, outputs: width)
  }

  func tokens(_ tape: Tape, _ parameters: [Parameter]) -> Variable { columns(tape, parameters, 0..<width) }

  /// Only the rows of the last map that make them are read.
  func columns(_ tape: Tape, _ parameters: [Parameter], _ range: Range<Int>) -> Variable {
    let vectors = tape.layer(tape.variable(of: parameters[0]), parameters[1], parameters[2])
    return tape.layer(tape.tanh(vectors), parameters[3], parameters[4], rows: range)
  }
}

extension AdapterTensor {
  /// The weight and the bias of a map.
  static func layer(_ name: String, inputs: Int, outputs: Int) -> [AdapterTensor] {
    [AdapterTensor(name + ".weight", [outputs, inputs]), AdapterTensor(name + ".bias", [outputs], .bias)]
  }
}

extension Tape {
  /// x Wᵀ + b, or as much of it as some rows of both make.
  func layer(_ x: Variable, _ weight: Parameter, _ bias: Parameter, rows: Range<Int>? = nil) -> Variable {
    guard let rows else { return addToColumns(product(x, variable(of: weight)), variable(of: bias)) }
    return addToColumns(product(x, variable(of: weight, rows: rows)), variable(of: bias, rows: rows))
  }

  /// The hyperbolic tangent, element by element, of something small.
  func tanh(_ x: Variable) -> Variable {
    let value = Tensor(uninitialized: x.value.shape)
    let input = x.value
    onElements { for index in 0..<value.count { value.pointer[index] = tanhf(input.pointer[index]) } }
    return derived(from: [x], value) { dy in
      let dx = Tensor(uninitialized: value.shape)
      onElements {
        for index in 0..<dx.count {
          dx.pointer[index] = dy.pointer[index] * (1 - value.pointer[index] * value.pointer[index])
        }
      }
      return [dx]
    }
  }
}
