import Diagnostics
import Pipeline
import Testing

/// Broken texts never crash the reader, and every error says where.
struct ReaderFuzzTests {
  @Test func changedBytes() {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func random(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    let original = Array(goodPipeline.utf8)
    let nasty = Array("{}[]:,&*!|>'\"%@`#$-?<~ \t\n\r\0".utf8) + [0x80, 0xC2, 0xE2, 0xEF, 0xFF]
    for _ in 0..<4000 {
      var bytes = original
      for _ in 0...random(6) {
        let at = random(bytes.count)
        switch random(4) {
        case 0: bytes[at] = UInt8(random(256))
        case 1: bytes.insert(nasty[random(nasty.count)], at: at)
        case 2: bytes.remove(at: at)
        default:
          let length = min(random(40), bytes.count - at)
          bytes.insert(contentsOf: bytes[at..<(at + length)], at: random(bytes.count))
        }
      }
      do {
        _ = try PipelineFile.load(bytes: bytes, file: "sft.yaml", registry: toyRegistry, sources: ToySources())
      } catch {
        let found = diagnostics(of: error)
        #expect(!found.isEmpty)
        for diagnostic in found {
          #expect(diagnostic.place?.file == "sft.yaml")
          #expect(diagnostic.code != "internal")
        }
        _ = found.rendered()
      }
    }
  }
}
