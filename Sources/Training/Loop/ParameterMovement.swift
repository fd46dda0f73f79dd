import LanguageModels
import Tensors

/// How far parameters are from where they started.
package struct ParameterMovement: Sendable, Hashable {
  /// How many there are.
  package private(set) var parameters = 0
  /// The names of those that are the same in every bit.
  package private(set) var unmoved: [String] = []
  /// The names of those with a value that is no finite number.
  package private(set) var notFinite: [String] = []
  /// ‖now − start‖ ÷ ‖start‖ over all of them together; infinite where the start is nothing but zeros.
  package private(set) var relativeChange = 0.0

  /// Compares parameters with their values at the start.
  ///
  /// Cost: every value and its start are read once; memory for one tensor.
  /// - Parameter start: Has them under the same names.
  /// - Throws: What the source throws.
  package init(_ parameters: [Parameter], since start: any WeightSource, pool: ThreadPool) throws {
    var (change, length) = (0.0, 0.0)
    for parameter in parameters {
      let part = Difference(
        parameter.value, try start.tensor(named: parameter.name, shape: parameter.value.shape), pool: pool)
      if part.isSame { unmoved.append(parameter.name) }
      if !part.isFinite { notFinite.append(parameter.name) }
      change += part.change
      length += part.length
    }
    self.parameters = parameters.count
    relativeChange = change == 0 ? 0 : (change / length).squareRoot()
  }
}

/// What tells two tensors of one shape apart.
private struct Difference {
  var isSame = true
  var isFinite = true
  /// Σ (now − start)².
  var change = 0.0
  /// Σ start².
  var length = 0.0

  private static let tile = 1 << 16

  init(_ now: Tensor, _ start: Tensor, pool: ThreadPool) {
    let count = now.count
    var parts = [Difference](repeating: Difference(), count: (count + Self.tile - 1) / Self.tile)
    parts.withUnsafeMutableBufferPointer { parts in
      guard let parts = parts.baseAddress else { return }
      let total = (count + Self.tile - 1) / Self.tile
      pool.tiles(total) { index in
        let range = index * Self.tile..<min(count, (index + 1) * Self.tile)
        parts[index] = Difference(now.pointer, start.pointer, range)
      }
    }
    for part in parts {
      isSame = isSame && part.isSame
      isFinite = isFinite && part.isFinite
      change += part.change
      length += part.length
    }
  }

  private init() {}

  private init(_ now: UnsafeMutablePointer<Float>, _ start: UnsafeMutablePointer<Float>, _ range: Range<Int>) {
    var (change, length) = (0.0, 0.0)
    var differing: UInt32 = 0
    for index in range {
      differing |= now[index].bitPattern ^ start[index].bitPattern
      let step = Double(now[index]) - Double(start[index])
      change += step * step
      length += Double(start[index]) * Double(start[index])
    }
    isSame = differing == 0
    // No sum of squares of finite floats is too large for a double.
    isFinite = (change + length).isFinite
    self.change = change
    self.length = length
  }
}
