import Glibc
import Tensors

/// Tokens that layers with a memory make of vectors, reading them from both ends (LSTM): p-tuning as it was published
/// (arXiv:2103.10385), in PEFT's form.
struct RecurrentEncoder: PromptEncoder {
  let virtualTokens: Int
  let width: Int
  /// How many numbers a direction remembers: H.
  let inner: Int
  let layers: Int

  static let layerName = "lstm_head"
  private static let directions = ["", "_reverse"]

  var tensors: [AdapterTensor] {
    let name = "prompt_encoder." + Self.layerName
    return [AdapterTensor("prompt_encoder.embedding.weight", [virtualTokens, width], .embedding)]
      + (0..<layers).flatMap { layer in
        Self.directions.flatMap { direction in
          let end = "_l\(layer)\(direction)"
          return [
            AdapterTensor("\(name).weight_ih\(end)", [4 * inner, layer == 0 ? width : 2 * inner]),
            AdapterTensor("\(name).weight_hh\(end)", [4 * inner, inner]),
            AdapterTensor("\(name).bias_ih\(end)", [4 * inner], .bias),
            AdapterTensor("\(name).bias_hh\(end)", [4 * inner], .bias),
          ]
        }
      } + AdapterTensor.layer("prompt_encoder.mlp_head.0", inputs: 2 * inner, outputs: 2 * inner)
      + AdapterTensor.layer("prompt_encoder.mlp_head.2", inputs: 2 * inner, outputs: width)
  }

  func tokens(_ tape: Tape, _ parameters: [Parameter]) -> Variable {
    var x = tape.variable(of: parameters[0])
    var next = 1
    for _ in 0..<layers {
      let both = Self.directions.indices.map { direction in
        defer { next += 4 }
        return tape.recurrent(
          x, parameters[next..<next + 4].map { tape.variable(of: $0) }, reversed: direction == 1)
      }
      x = tape.beside(both[0], both[1])
    }
    x = tape.activation(tape.layer(x, parameters[next], parameters[next + 1]), .relu)
    return tape.layer(x, parameters[next + 2], parameters[next + 3])
  }
}

extension Tape {
  /// A layer with a memory (LSTM, Hochreiter & Schmidhuber 1997, with a forget gate) over the rows of x, from zeros on: [n, H].
  ///
  /// For a few short rows: all of its values are kept for the way back.
  /// - Parameters:
  ///   - x: [n, in].
  ///   - parameters: Weights for x [4H, in] and for the last output [4H, H], biases of both [4H]; gates in the order input,
  ///     forget, candidate, output.
  ///   - reversed: Whether the last row is read first.
  fileprivate func recurrent(_ x: Variable, _ parameters: [Variable], reversed: Bool) -> Variable {
    let (input, weight, recurrence) = (x.value, parameters[0].value, parameters[1].value)
    let (count, inner) = (input.rows, recurrence.columns)
    let order = reversed ? Array((0..<count).reversed()) : Array(0..<count)
    // Of each row the gates as they are computed, what it remembers, and what it gives.
    let gates = Tensor(uninitialized: [count, 4 * inner])
    let (memory, output) = (Tensor(shape: [count, inner]), Tensor(shape: [count, inner]))
    compute.product(input, weight, transposesB: true, into: gates, k: input.columns)
    let (last, more) = (Tensor(shape: [1, inner]), Tensor(uninitialized: [1, 4 * inner]))
    for (step, row) in order.enumerated() {
      let previous = step == 0 ? nil : order[step - 1]
      compute.product(last, recurrence, transposesB: true, into: more, k: inner)
      onElements {
        let g = gates.pointer + row * 4 * inner
        for place in 0..<4 * inner {
          let sum =
            g[place] + more.pointer[place] + parameters[2].value.pointer[place] + parameters[3].value.pointer[place]
          g[place] = place / inner == 2 ? tanhf(sum) : 1 / (1 + expf(-sum))
        }
        for place in 0..<inner {
          let before = previous.map { memory.pointer[$0 * inner + place] } ?? 0
          let now = g[inner + place] * before + g[place] * g[2 * inner + place]
          memory.pointer[row * inner + place] = now
          output.pointer[row * inner + place] = g[3 * inner + place] * tanhf(now)
          last.pointer[place] = output.pointer[row * inner + place]
        }
      }
    }
    return derived(from: [x] + parameters, output) { [compute] dy in
      // The derivative with respect to what goes into the gates.
      let sums = Tensor(uninitialized: [count, 4 * inner])
      let before = Tensor(shape: [count, inner])
      let (carried, kept) = (Tensor(shape: [1, inner]), Tensor(shape: [1, inner]))
      for (step, row) in order.enumerated().reversed() {
        let previous = step == 0 ? nil : order[step - 1]
        let here = Tensor(uninitialized: [1, 4 * inner])
        onElements {
          let g = gates.pointer + row * 4 * inner
          for place in 0..<inner {
            let (i, f, c, o) = (g[place], g[inner + place], g[2 * inner + place], g[3 * inner + place])
            let bent = tanhf(memory.pointer[row * inner + place])
            let old = previous.map { memory.pointer[$0 * inner + place] } ?? 0
            let dh = dy.pointer[row * inner + place] + carried.pointer[place]
            let dc = kept.pointer[place] + dh * o * (1 - bent * bent)
            here.pointer[place] = dc * c * i * (1 - i)
            here.pointer[inner + place] = dc * old * f * (1 - f)
            here.pointer[2 * inner + place] = dc * i * (1 - c * c)
            here.pointer[3 * inner + place] = dh * bent * o * (1 - o)
            kept.pointer[place] = dc * f
            if let previous { before.pointer[row * inner + place] = output.pointer[previous * inner + place] }
          }
          (sums.pointer + row * 4 * inner).update(from: here.pointer, count: 4 * inner)
        }
        compute.product(here, recurrence, into: carried, k: 4 * inner)
      }
      let (dx, dWeight, dRecurrence, dBias) = (
        Tensor(uninitialized: input.shape), Tensor(uninitialized: weight.shape),
        Tensor(uninitialized: recurrence.shape),
        Tensor(shape: [4 * inner])
      )
      compute.product(sums, weight, into: dx, k: 4 * inner)
      compute.product(sums, transposesA: true, input, into: dWeight, k: count)
      compute.product(sums, transposesA: true, before, into: dRecurrence, k: count)
      onElements {
        for row in 0..<count {
          for place in 0..<4 * inner { dBias.pointer[place] += sums.pointer[row * 4 * inner + place] }
        }
      }
      return [dx, dWeight, dRecurrence, dBias, dBias.copy()]
    }
  }

  /// The columns of two arrays of as many rows, side by side.
  fileprivate func beside(_ left: Variable, _ right: Variable) -> Variable {
    let (a, b) = (left.value, right.value)
    let width = a.columns + b.columns
    let value = Tensor(uninitialized: [a.rows, width])
    onElements {
      for row in 0..<a.rows {
        (value.pointer + row * width).update(from: a.pointer + row * a.columns, count: a.columns)
        (value.pointer + row * width + a.columns).update(from: b.pointer + row * b.columns, count: b.columns)
      }
    }
    return derived(from: [left, right], value) { dy in
      let parts = (Tensor(uninitialized: a.shape), Tensor(uninitialized: b.shape))
      onElements {
        for row in 0..<a.rows {
          (parts.0.pointer + row * a.columns).update(from: dy.pointer + row * width, count: a.columns)
          (parts.1.pointer + row * b.columns).update(from: dy.pointer + row * width + a.columns, count: b.columns)
        }
      }
      return [parts.0, parts.1]
    }
  }
}
