import Diagnostics
import Testing

@Suite("What a file is by its first bytes")
struct FileSignatureTests {
  @Test(arguments: [
    ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", FileSignature.gitLFSPointer),
    ("GGUF\u{3}\u{0}", .gguf), ("PAR1", .parquet), ("ARROW1\u{0}\u{0}", .arrow), ("%PDF-1.7", .pdf),
    ("\n  <!DOCTYPE html><html>", .html), ("<HTML lang=en>", .html), ("PK\u{3}\u{4}", .zip),
  ])
  func texts(start: String, kind: FileSignature) {
    #expect(FileSignature(startOf: Array(start.utf8)) == kind)
  }

  @Test(arguments: [
    ([0x1F, 0x8B, 0x08], FileSignature.gzip), ([0x28, 0xB5, 0x2F, 0xFD], .zstandard),
    ([0xFF, 0xFE, 0x7B, 0x00], .utf16),
    ([0xFF, 0xFE, 0x00, 0x00], .utf32), ([0x80, 0x02, 0x8A], .pickle),
  ])
  func bytes(start: [UInt8], kind: FileSignature) {
    #expect(FileSignature(startOf: start) == kind)
  }

  @Test(arguments: ["", "{\"messages\": []}", "version 2", "[1]", "plain text", "<|im_start|>"])
  func whatIsNoneOfThem(start: String) {
    #expect(FileSignature(startOf: Array(start.utf8)) == nil)
  }
}
