import LanguageModels
import PreciseJSON
import Tensors

/// Whether every number of a set of tensors is one.
package struct FiniteTensors: SanityCheck {
  package static let name = "finite_tensors"

  package var tensors: Int
  package var notFinite: [String]

  package init(tensors: Int, notFinite: [String]) {
    self.tensors = tensors
    self.notFinite = notFinite
  }

  /// Reads every tensor once, one at a time.
  ///
  /// - Throws: What the source throws.
  init(_ shapes: [(name: String, shape: [Int])], in weights: any WeightSource) throws {
    self.init(tensors: shapes.count, notFinite: [])
    for (name, shape) in shapes where !(try weights.tensor(named: name, shape: shape)).isFinite {
      notFinite.append(name)
    }
  }

  package var verdict: SanityVerdict { notFinite.isEmpty ? .fine : .error }

  package var evidence: [(key: String, value: JSON)] {
    [("tensors", JSON(tensors)), ("not_finite", .array(notFinite.map { JSON($0) }))]
  }
}

extension Tensor {
  /// Whether all values are finite.
  fileprivate var isFinite: Bool {
    // An exponent of ones is infinity or no number; without a branch the loop runs at the speed of memory.
    var found: UInt32 = 0
    for index in 0..<count { found |= (pointer[index].bitPattern & 0x7F80_0000) == 0x7F80_0000 ? 1 : 0 }
    return found == 0
  }
}
