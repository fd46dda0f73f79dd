import Tensors

/// The maps of experts as their files hold them, and back.
struct ExpertStorage {
  private let configuration: ExpertsConfiguration
  private let layer: Int

  init(_ configuration: ExpertsConfiguration, layer: Int) {
    self.configuration = configuration
    self.layer = layer
  }

  private var count: Int { configuration.count }
  private var size: Int { configuration.size }
  private var width: Int { configuration.width }

  func load(_ loader: WeightLoader) throws -> [Expert] {
    if let parts = try parts(loader) { return parts }
    switch configuration.storage {
    case .each(let prefix, let gate, let up, let down):
      return try (0..<count).map { expert in
        func matrix(_ name: String, _ shape: [Int]) throws -> MatrixWeight {
          try loader.matrix(.weight("\(prefix).\(expert).\(name)", layer: layer), shape, int8: .both)
        }
        return Expert(
          gate: try matrix(gate, [size, width]), up: try matrix(up, [size, width]),
          down: try matrix(down, [width, size]))
      }
    case .stacked(let input, let output):
      let inputs = try loader.parameter(.weight(input, layer: layer), [count, 2 * size, width])
      let outputs = try loader.parameter(.weight(output, layer: layer), [count, width, size])
      return try (0..<count).map { expert in
        let all = slice(inputs.value, expert)
        return Expert(
          gate: try loader.matrix(part(inputs, expert, "gate", all.rows(0..<size)), int8: .both),
          up: try loader.matrix(part(inputs, expert, "up", all.rows(size..<2 * size)), int8: .both),
          down: try loader.matrix(part(outputs, expert, "down", slice(outputs.value, expert)), int8: .both))
      }
    case .interleaved(let input, let output):
      func stored(_ name: String, _ kind: Parameter.Kind, _ shape: [Int]) throws -> Parameter {
        try loader.parameter(TensorRole(.block(name, layer: layer), "", kind), shape)
      }
      let inputs = try stored(input, .matrix, [count, width, 2 * size])
      let inputBias = try stored(input + "_bias", .bias, [count, 2 * size])
      let outputs = try stored(output, .matrix, [count, size, width])
      let outputBias = try stored(output + "_bias", .bias, [count, width])
      return try (0..<count).map { expert in
        let (gate, up) = slice(inputs.value, expert).transposed().alternateRows()
        let bias = inputBias.value.rows(expert..<expert + 1).transposed().alternateRows()
        return Expert(
          gate: try loader.matrix(part(inputs, expert, "gate", gate), int8: .both),
          up: try loader.matrix(part(inputs, expert, "up", up), int8: .both),
          down: try loader.matrix(
            part(outputs, expert, "down", slice(outputs.value, expert).transposed()), int8: .both),
          gateBias: part(inputBias, expert, "gate", bias.even.flat),
          upBias: part(inputBias, expert, "up", bias.odd.flat),
          downBias: part(outputBias, expert, "down", outputBias.value.rows(expert..<expert + 1).flat))
      }
    }
  }

  /// The maps of each expert from a source that has them by themselves; nil for another.
  private func parts(_ loader: WeightLoader) throws -> [Expert]? {
    guard let first = configuration.role(of: .gate, expert: 0, layer: layer), loader.hasPart(first) else { return nil }
    return try (0..<count).map { expert in
      func matrix(_ map: ExpertPart.Map) throws -> MatrixWeight {
        // Those that have one part have all.
        let role = configuration.role(of: map, expert: expert, layer: layer) ?? first
        return try loader.matrix(role, configuration.shape(of: map), int8: .both)
      }
      func bias(_ map: ExpertPart.Map) throws -> Parameter? {
        try configuration.role(of: map, expert: expert, .bias, layer: layer).map {
          try loader.parameter($0, [configuration.shape(of: map)[0]])
        }
      }
      return Expert(
        gate: try matrix(.gate), up: try matrix(.up), down: try matrix(.down), gateBias: try bias(.gate),
        upBias: try bias(.up), downBias: try bias(.down))
    }
  }

  /// The stored tensors again, each with what makes it.
  func stored(_ experts: [Expert]) -> [(role: TensorRole, make: () -> Tensor?)] {
    switch configuration.storage {
    case .each(let prefix, let gate, let up, let down):
      return experts.enumerated().flatMap { number, expert in
        [(gate, expert.gate), (up, expert.up), (down, expert.down)].map { name, matrix in
          (TensorRole.weight("\(prefix).\(number).\(name)", layer: layer), { matrix.value })
        }
      }
    case .stacked(let input, let output):
      return [
        (
          .weight(input, layer: layer),
          { stack(experts, [count, 2 * size, width]) { [$0.gate.value, $0.up.value] } }
        ),
        (.weight(output, layer: layer), { stack(experts, [count, width, size]) { [$0.down.value] } }),
      ]
    case .interleaved(let input, let output):
      func role(_ name: String, _ kind: Parameter.Kind) -> TensorRole {
        TensorRole(.block(name, layer: layer), "", kind)
      }
      return [
        (
          role(input, .matrix),
          {
            stack(experts, [count, width, 2 * size]) { expert in
              guard let gate = expert.gate.value, let up = expert.up.value else { return [nil] }
              return [Tensor(alternatingRows: gate, up).transposed()]
            }
          }
        ),
        (
          role(input + "_bias", .bias),
          {
            stack(experts, [count, 2 * size]) { expert in
              guard let gate = expert.gateBias?.value, let up = expert.upBias?.value else { return [nil] }
              return [Tensor(alternatingRows: gate.column, up.column)]
            }
          }
        ),
        (
          role(output, .matrix), { stack(experts, [count, size, width]) { [$0.down.value?.transposed()] } }
        ),
        (role(output + "_bias", .bias), { stack(experts, [count, width]) { [$0.downBias?.value] } }),
      ]
    }
  }

  /// The parts of all experts one after the other; nil where one is missing.
  private func stack(_ experts: [Expert], _ shape: [Int], _ parts: (Expert) -> [Tensor?]) -> Tensor? {
    let result = Tensor(uninitialized: shape)
    var place = 0
    for part in experts.flatMap(parts) {
      guard let part else { return nil }
      (result.pointer + place).update(from: part.pointer, count: part.count)
      place += part.count
    }
    return result
  }

  /// The matrix of an expert: [rows, columns].
  private func slice(_ stacked: Tensor, _ expert: Int) -> Tensor {
    let (rows, columns) = (stacked.shape[1], stacked.shape[2])
    let result = Tensor(uninitialized: [rows, columns])
    onElements {
      result.pointer.update(from: stacked.pointer + expert * rows * columns, count: rows * columns)
    }
    return result
  }

  /// A part of a stored parameter as one of its own.
  private func part(_ whole: Parameter, _ expert: Int, _ name: String, _ value: Tensor) -> Parameter {
    Parameter(
      name: "\(whole.name)[\(expert)].\(name)", value: value, kind: whole.kind, isTrainable: whole.isTrainable)
  }
}

extension Tensor {
  /// Some rows of a matrix, copied.
  fileprivate func rows(_ range: Range<Int>) -> Tensor {
    let result = Tensor(uninitialized: [range.count, columns])
    onElements { result.pointer.update(from: pointer + range.lowerBound * columns, count: result.count) }
    return result
  }

  /// The same numbers as a vector.
  fileprivate var flat: Tensor { Tensor(shape: [count], values: values) }

  /// The same numbers as a column.
  fileprivate var column: Tensor { Tensor(shape: [count, 1], values: values) }

  /// The rows with even numbers, and those with odd ones.
  fileprivate func alternateRows() -> (even: Tensor, odd: Tensor) {
    let (even, odd) = (
      Tensor(uninitialized: [rows / 2, columns]), Tensor(uninitialized: [rows / 2, columns])
    )
    onElements {
      for row in 0..<rows {
        ((row % 2 == 0 ? even : odd).pointer + row / 2 * columns).update(from: pointer + row * columns, count: columns)
      }
    }
    return (even, odd)
  }

  /// The reverse of ``alternateRows()``.
  fileprivate convenience init(alternatingRows even: Tensor, _ odd: Tensor) {
    self.init(uninitialized: [2 * even.rows, even.columns])
    onElements {
      for row in 0..<2 * even.rows {
        (pointer + row * columns).update(from: (row % 2 == 0 ? even : odd).pointer + row / 2 * columns, count: columns)
      }
    }
  }
}
