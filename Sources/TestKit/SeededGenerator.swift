/// A random generator that gives the same numbers in every run (SplitMix64), for fuzzing that can be repeated.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

extension SeededGenerator {
  /// The bytes with one to four random bytes replaced, now and then cut short.
  package mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var copy = bytes
    for _ in 0..<Int.random(in: 1...4, using: &self) where !copy.isEmpty {
      copy[Int.random(in: copy.indices, using: &self)] = UInt8.random(in: 0...255, using: &self)
    }
    if Int.random(in: 0..<8, using: &self) == 0 { copy.removeLast(Int.random(in: 0...copy.count, using: &self)) }
    return copy
  }
}
