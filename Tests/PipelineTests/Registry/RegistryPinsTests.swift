import Diagnostics
import Pipeline
import TestKit
import Testing

/// The file that pins names to digests.
@Suite struct RegistryPinsTests {
  private let digest = Digest(of: Array("one".utf8))

  private func read(_ text: String) throws -> RegistryPins {
    let folder = try TemporaryFolder()
    try folder.write(text, to: RegistryPins.fileName)
    return try RegistryPins(project: folder.path)
  }

  @Test func whatIsWrittenIsRead() throws {
    var pins = RegistryPins()
    pins.set(.init("ghcr.io/team/a:v1", digest, folder: nil, output: nil))
    pins.set(.init("ghcr.io/team/a:v1", digest, folder: "models/ä b: #", output: "model"))
    pins.set(.init("[::1]:5000/b", digest, folder: "yes", output: nil))
    let back = try read(pins.text)
    #expect(back.pins == pins.pins)
    #expect(back.text == pins.text)
    #expect(try read("").pins.isEmpty)
    #expect(try RegistryPins(project: TemporaryFolder().path).pins.isEmpty)
  }

  @Test func aNameMovesWhereverItGoes() {
    var pins = RegistryPins()
    pins.set(.init("h/a", digest, folder: "x", output: nil))
    pins.set(.init("h/a", digest, folder: nil, output: nil))
    pins.set(.init("h/b", digest, folder: nil, output: nil))
    let new = Digest(of: [])
    pins.move("h/a", to: new)
    pins.set(.init("h/a", new, folder: "x", output: "model"))
    #expect(pins.pins.map(\.digest) == ["sha256:" + new.hex, "sha256:" + new.hex, "sha256:" + digest.hex])
    #expect(pins.pins.map(\.output) == ["model", nil, nil])
  }

  /// All at once, each in its line.
  @Test func problems() throws {
    let good = "sha256:" + digest.hex
    let text = """
      - {name: ghcr.io/a, digest: \(good)}
      - {name: ghcr.io/a, digest: \(good)}
      - {name: GHCR, digest: \(good)}
      - {name: ghcr.io/b, digest: 12}
      - {name: ghcr.io/c, digest: \(good), output: model}
      - {name: ghcr.io/d, digests: \(good)}
      """
    let error = #expect(throws: DiagnosticList.self) { try read(text) }
    let places = (error?.diagnostics ?? []).compactMap { $0.place?.line }
    #expect(Set(places) == [2, 3, 4, 5, 6], "\(error?.diagnostics.map(\.summary) ?? [])")
    #expect(throws: (any Error).self) { try read("name: x") }
    #expect(throws: (any Error).self) { try read("- [") }
  }
}
