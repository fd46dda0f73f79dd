import Tensors
import Testing

@Suite struct RandomTests {
  /// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
  @Test func philoxGivesTheKnownAnswers() {
    #expect(philox(key: 0, counter: (0, 0, 0, 0)) == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      philox(key: .max, counter: (.max, .max, .max, .max)) == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      philox(key: 0x299f_31d0_a409_3822, counter: (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344))
        == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func positionCanBeRestored() {
    var random = CounterRandom(seed: 5)
    for _ in 0..<13 { _ = random.next() }
    var other = CounterRandom(seed: 5)
    other.position = random.position
    #expect((0..<9).map { _ in random.next() } == (0..<9).map { _ in other.next() })
  }

  @Test func keysAndStreamsDiffer() {
    let root = RandomKey(seed: 1)
    #expect(root.child(0) != root.child(1))
    #expect(root.child(0).child(1) != root.child(1).child(0))
    var first = CounterRandom(key: root, stream: 0)
    var second = CounterRandom(key: root, stream: 1)
    #expect((0..<8).map { _ in first.next() } != (0..<8).map { _ in second.next() })
  }

  @Test func permutationsAreEquallyLikely() {
    var random = CounterRandom(seed: 2)
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[random.permutation(3), default: 0] += 1 }
    #expect(counts.count == 6)
    // 1000 each; five standard deviations are 144.
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 144 })
    #expect(random.permutation(0).isEmpty)
    #expect(random.permutation(1) == [0])
    #expect(random.permutation(100).sorted() == Array(0..<100))
  }

  @Test func momentsOfTheDistributionsAreRight() {
    var random = CounterRandom(seed: 9)
    let normals = (0..<20000).map { _ in Double(random.normal()) }
    let uniforms = (0..<20000).map { _ in Double(random.uniform()) }
    let mean = normals.reduce(0, +) / 20000
    #expect(abs(mean) < 0.03)
    #expect(abs(normals.reduce(0) { $0 + $1 * $1 } / 20000 - 1) < 0.04)
    #expect(abs(uniforms.reduce(0, +) / 20000 - 0.5) < 0.011)
    #expect(uniforms.allSatisfy { $0 >= 0 && $0 < 1 })
  }
}
