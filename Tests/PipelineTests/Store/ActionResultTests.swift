import Foundation
import Pipeline
import Testing

@Suite struct ActionResultTests {
  private let key = Digest(of: Array("key".utf8))

  private func result(_ size: Int = 300) -> ActionResult {
    let blob = BlobReference(digest: Digest(of: Array("abc".utf8)), size: size)
    return ActionResult(files: [.init(path: "text/manifest.json", blob: blob), .init(path: "text/ü", blob: blob)])
  }

  /// By hand, from the protobuf encoding: field 2 (0x12) with path (0x0a) and digest (0x12: hash 0x0a, size 0x10).
  @Test func isTheMessageOfTheRemoteExecutionAPI() throws {
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    let digest = [0x0A, 64] + Array(hash.utf8) + [0x10, 0xAC, 0x02]
    let first = [0x0A, 18] + Array("text/manifest.json".utf8) + [0x12, UInt8(digest.count)] + digest
    let bytes = result().encoded(for: key)
    #expect(Array(bytes.prefix(2 + first.count)) == [0x12, UInt8(first.count)] + first)
    // Field 9, execution metadata, with the worker's name first.
    let worker = [0x0A, 6] + Array("anneal".utf8)
    #expect(bytes.count { $0 == 0x4A } >= 1)
    #expect(bytes.indices.contains { bytes[$0...].starts(with: worker) })
  }

  @Test func readsWhatItWrote() {
    for size in [0, 1, 127, 128, 300, 1 << 20, 1 << 40] {
      #expect(ActionResult(result(size).encoded(for: key), for: key) == result(size))
    }
  }

  @Test func everyFlippedBitIsNoticed() {
    let bytes = result().encoded(for: key)
    for index in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << bit
        let read = ActionResult(damaged, for: key)
        // A bit in the worker's name means nothing to anybody.
        #expect(read == nil || read == result(), "byte \(index), bit \(bit)")
      }
    }
    for count in 0..<bytes.count { #expect(ActionResult(Array(bytes.prefix(count)), for: key) == nil) }
  }

  @Test func belongsToItsKey() {
    #expect(ActionResult(result().encoded(for: key), for: Digest(of: [])) == nil)
  }

  @Test func rubbishIsRefused() {
    var random = SplitMix(state: 7)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(ActionResult(bytes, for: key) == nil)
    }
    // A length that is far longer than the message.
    #expect(ActionResult([0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], for: key) == nil)
  }
}
