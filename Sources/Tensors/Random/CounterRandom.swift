import Glibc

/// A stream of random numbers from Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
///
/// The n-th number is a function of the key, the stream and n alone; `position` can be saved and restored.
package struct CounterRandom: Sendable, Hashable {
  package let key: RandomKey
  /// Below 2^32.
  package let stream: UInt32
  /// How many 32-bit words have been drawn.
  package var position: UInt64 = 0

  package init(key: RandomKey, stream: UInt32 = 0) {
    self.key = key
    self.stream = stream
  }

  package init(seed: UInt64, stream: UInt32 = 0) { self.init(key: RandomKey(seed: seed), stream: stream) }

  /// 32 random bits.
  package mutating func next() -> UInt32 {
    let block = position >> 2
    let words = philox(
      key: key.seed,
      counter: (UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), stream, 0))
    defer { position += 1 }
    switch position & 3 {
    case 0: return words.0
    case 1: return words.1
    case 2: return words.2
    default: return words.3
    }
  }

  /// A float in 0 ..< 1, a multiple of 2⁻²⁴.
  package mutating func uniform() -> Float { Float(next() >> 8) * 0x1p-24 }

  /// An integer in 0 ..< `bound`, unbiased (Lemire 2019).
  package mutating func integer(below bound: UInt32) -> UInt32 {
    precondition(bound > 0, "There is no integer below 0")
    var product = UInt64(next()) * UInt64(bound)
    if UInt32(truncatingIfNeeded: product) < bound {
      let threshold = (0 &- bound) % bound
      while UInt32(truncatingIfNeeded: product) < threshold { product = UInt64(next()) * UInt64(bound) }
    }
    return UInt32(product >> 32)
  }

  /// A draw from the standard normal distribution (Box and Muller 1958; two words a draw, one of the pair is used).
  package mutating func normal() -> Float {
    let radius = (-2 * log((Double(next()) + 0.5) * 0x1p-32)).squareRoot()
    return Float(radius * cos(2 * Double.pi * Double(next()) * 0x1p-32))
  }

  /// A random order of 0 ..< `count`, every one equally likely (Fisher and Yates).
  package mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, Int(integer(below: UInt32(last + 1))))
    }
    return order
  }
}

/// The four words of Philox4x32-10 for one key and counter; the reference that the kernels are tested against.
package func philox(key: UInt64, counter: (UInt32, UInt32, UInt32, UInt32)) -> (UInt32, UInt32, UInt32, UInt32) {
  var (c0, c1, c2, c3) = counter
  var k0 = UInt32(truncatingIfNeeded: key)
  var k1 = UInt32(truncatingIfNeeded: key >> 32)
  for _ in 0..<10 {
    let first = (0xD251_1F53 as UInt32).multipliedFullWidth(by: c0)
    let second = (0xCD9E_8D57 as UInt32).multipliedFullWidth(by: c2)
    (c0, c1, c2, c3) = (second.high ^ c1 ^ k0, second.low, first.high ^ c3 ^ k1, first.low)
    k0 &+= 0x9E37_79B9
    k1 &+= 0xBB67_AE85
  }
  return (c0, c1, c2, c3)
}
