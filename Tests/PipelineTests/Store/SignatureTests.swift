import Foundation
import Pipeline
import TestKit
import Testing

/// Results that are believed because of who signed them.
@Suite("Signed results") struct SignatureTests {
  private let workspace: ToyWorkspace
  private let cache: String
  private let mine = SigningKey(name: "mine")
  private let other = SigningKey(name: "other")

  init() throws {
    workspace = try ToyWorkspace()
    try workspace.folder.write("one\ntwo\n", to: "input.txt")
    cache = workspace.folder.path("cache")
  }

  private func remotes(_ trusted: [SigningKey], signing: SigningKey? = nil) throws -> RemoteCaches {
    RemoteCaches(
      [FolderRemote(path: cache, isWritable: signing != nil || trusted.isEmpty, files: FileSystem(isDurable: false))],
      trust: [RemoteTrust(keys: try trusted.map { try $0.trusted }, signing: signing)])
  }

  @discardableResult
  private func run(_ who: ToyWorkspace, _ remotes: RemoteCaches) throws -> RunSummary {
    try who.run(
      chain.replacingOccurrences(of: "DIR", with: workspace.folder.path), store: who.reopened(), remotes: remotes)
  }

  private func entries() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: cache + "/ac").map { "\(cache)/ac/\($0)" }.filter {
      try FileSystem().status($0)?.kind == .file
    }
  }

  @Test func whatATrustedKeySignedIsTaken() throws {
    try run(workspace, remotes([], signing: mine))
    let reader = try ToyWorkspace()
    let remotes = try remotes([other, mine])
    try run(reader, remotes)
    #expect(try reader.executed() == [] && remotes.troubles.isEmpty)
    // Whoever asks for no signature takes them too.
    let anybody = try ToyWorkspace()
    try run(anybody, self.remotes([]))
    #expect(try anybody.executed() == [])
  }

  @Test func unsignedAndWronglySignedResultsAreMadeHere() throws {
    let cases: [(signer: SigningKey?, words: String)] = [
      (nil, "it is not signed"), (other, "nobody who is trusted has signed it"),
    ]
    for (signer, words) in cases {
      let (maker, reader) = (try ToyWorkspace(), try ToyWorkspace())
      try? FileManager.default.removeItem(atPath: cache)
      try run(maker, remotes([], signing: signer))
      let remotes = try remotes([mine])
      let summary = try run(reader, remotes)
      #expect(summary.state == .done)
      #expect(try reader.executed().count == 6, "\(words)")
      let trouble = try #require(remotes.troubles.first)
      #expect(trouble.doubt == words && trouble.doubts == 6 && trouble.failures == 0 && !trouble.isLeftAlone)
    }
  }

  /// A signature of one result under another, and a key that stands beside a signature that it did not make.
  @Test func aSignatureHoldsForItsResultAlone() throws {
    try run(workspace, remotes([], signing: mine))
    let files = try entries()
    for file in files {
      let before = try Data(contentsOf: URL(fileURLWithPath: file))
      // A bit of the signature, which ends the entry.
      var changed = before
      changed[changed.count - 10] ^= 1
      try FileManager.default.removeItem(atPath: file)
      try changed.write(to: URL(fileURLWithPath: file))
      let reader = try ToyWorkspace()
      let remotes = try remotes([mine])
      try run(reader, remotes)
      #expect(try reader.executed().count == 1)
      #expect(remotes.troubles.first?.doubt == "it says that `mine` signed it, who did not")
      try before.write(to: URL(fileURLWithPath: file))
    }
  }

  @Test func whatIsNotBelievedIsPutThereAnew() throws {
    try run(workspace, remotes([]))
    let reader = try ToyWorkspace()
    try run(reader, remotes([mine], signing: mine))
    let next = try ToyWorkspace()
    let remotes = try remotes([mine])
    try run(next, remotes)
    #expect(try next.executed() == [] && remotes.troubles.isEmpty)
  }

  @Test func keysGoThroughTheirTexts() throws {
    let text = try mine.trusted.text
    #expect(TrustedKey(text)?.text == text)
    #expect(try SigningKey(file: mine.file)?.trusted == mine.trusted)
    for wrong in ["", "mine", "mine:", ":" + text, "a b:" + text.suffix(44), text + "A", String(text.dropLast())] {
      #expect(TrustedKey(wrong) == nil, "\(wrong)")
    }
    #expect(SigningKey(file: text) == nil && SigningKey(file: "") == nil)
  }
}
