/// The random numbers of `torch.Generator` on a CPU (MT19937, Matsumoto and Nishimura 1998), for what another program draws
/// again from a seed.
package struct MersenneTwister {
  private var state: [UInt32]
  private var index = 624

  package init(seed: UInt32) {
    state = [seed]
    for index in 1..<624 {
      let last = state[index - 1]
      state.append(1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(index))
    }
  }

  private mutating func next() -> UInt32 {
    if index == 624 {
      for k in 0..<624 {
        let y = (state[k] & 0x8000_0000) | (state[(k + 1) % 624] & 0x7FFF_FFFF)
        state[k] = state[(k + 397) % 624] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
      }
      index = 0
    }
    var y = state[index]
    index += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C_5680
    y ^= (y << 15) & 0xEFC6_0000
    return y ^ (y >> 18)
  }

  /// A float in ±bound, as `uniform_(-bound, bound)` draws it.
  package mutating func uniform(_ bound: Float) -> Float { Float(next() & 0xFF_FFFF) * 0x1p-24 * (2 * bound) - bound }
}
