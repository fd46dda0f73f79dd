/// SHA-256 (FIPS 180-4), for comparing with digests that Python made.
enum SHA256 {
  private static let constants: [UInt32] = (0..<64).map { fraction(ofRoot: 3, of: primes[$0]) }
  private static let primes: [UInt64] = {
    var found: [UInt64] = []
    var candidate: UInt64 = 2
    while found.count < 64 {
      if found.allSatisfy({ candidate % $0 != 0 }) { found.append(candidate) }
      candidate += 1
    }
    return found
  }()

  /// The first 32 bits behind the point of a square or cube root, by bisection in whole numbers.
  private static func fraction(ofRoot degree: Int, of value: UInt64) -> UInt32 {
    var low: UInt64 = 0
    var high: UInt64 = 1 << 38
    while high - low > 1 {
      let middle = (low + high) / 2
      // middle stands for middle / 2³²; compare its power with value · 2^(32·degree).
      let square = middle.multipliedFullWidth(by: middle)
      let isBelow: Bool
      if degree == 2 {
        isBelow = square.high < value || (square.high == value && square.low == 0)
      } else {
        // cube / 2⁹⁶ ≤ value, from the 128-bit square times middle.
        let lowPart = square.low.multipliedFullWidth(by: middle)
        let top = square.high * middle + lowPart.high
        isBelow = top >> 32 < value
      }
      if isBelow { low = middle } else { high = middle }
    }
    return UInt32(truncatingIfNeeded: low)
  }

  static func digest(of message: [UInt8]) -> [UInt8] {
    var state = (0..<8).map { fraction(ofRoot: 2, of: primes[$0]) }
    var padded = message + [0x80]
    padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
    padded += withUnsafeBytes(of: UInt64(message.count * 8).bigEndian) { Array($0) }
    var words = [UInt32](repeating: 0, count: 64)
    for block in stride(from: 0, to: padded.count, by: 64) {
      for index in 0..<16 {
        let at = block + 4 * index
        words[index] = UInt32(padded[at]) << 24 | UInt32(padded[at + 1]) << 16
        words[index] |= UInt32(padded[at + 2]) << 8 | UInt32(padded[at + 3])
      }
      for index in 16..<64 {
        let a = words[index - 15]
        let b = words[index - 2]
        let first = rotate(a, 7) ^ rotate(a, 18) ^ a >> 3
        let second = rotate(b, 17) ^ rotate(b, 19) ^ b >> 10
        words[index] = words[index - 16] &+ first &+ words[index - 7] &+ second
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      for index in 0..<64 {
        let one = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        let first = h &+ one &+ ((e & f) ^ (~e & g)) &+ constants[index] &+ words[index]
        let two = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
        let second = two &+ ((a & b) ^ (a & c) ^ (b & c))
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
      }
      for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= value }
    }
    return state.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
  }

  private static func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 { value >> count | value << (32 - count) }
}
