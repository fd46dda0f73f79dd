import Glibc

/// The slopes of attention with linear biases (ALiBi, arXiv:2108.12409).
package enum LinearBiases {
  /// What a distance of one token costs in each head: 2^(-8/p), 2^(-16/p), … for the largest power of two p of heads,
  /// then every other one of those of 2p heads.
  package static func slopes(heads: Int) -> [Float] {
    var power = 1
    while 2 * power <= heads { power *= 2 }
    return (0..<heads).map { head in
      let share =
        head < power ? Double(head + 1) / Double(power) : Double(2 * (head - power) + 1) / Double(2 * power)
      return Float(exp2(-8 * share))
    }
  }
}
