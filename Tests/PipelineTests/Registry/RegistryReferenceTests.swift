import Pipeline
import Testing

/// Names in registries, by the grammar of the distribution specification.
@Suite struct RegistryReferenceTests {
  @Test(arguments: [
    ("ghcr.io/team/sft:v1", "ghcr.io", "team/sft", "v1"), ("localhost:5000/a", "localhost:5000", "a", nil),
    ("[::1]:5000/a/b__c-d.e:V_1.0-x", "[::1]:5000", "a/b__c-d.e", "V_1.0-x"),
    ("r.example/a---b", "r.example", "a---b", nil),
  ])
  func names(text: String, host: String, repository: String, tag: String?) throws {
    let reference = try RegistryReference(text)
    #expect(reference.host == host && reference.repository == repository && reference.tag == tag)
    #expect(reference.text == text && reference.manifestName == tag ?? "latest")
    let digest = String(repeating: "ab", count: 32)
    let pinned = try RegistryReference("\(text)@sha256:\(digest)")
    #expect(pinned.name == text && pinned.manifestName == "sha256:" + digest)
  }

  @Test(arguments: [
    "", "sft", "sft:v1", "/sft", "https://ghcr.io/sft", "ghcr.io/", "ghcr.io/Team/sft", "ghcr.io/a//b", "ghcr.io/a_",
    "ghcr.io/a___b", "ghcr.io/a..b", "ghcr.io/a:", "ghcr.io/a:-x", "ghcr.io/a:x:y", "ghcr.io/a@sha256:12",
    "ghcr.io/a@md5:1",
    "gh cr.io/a", "ghcr.io/../a", "ghcr.io/a:\(String(repeating: "t", count: 129))", "user@ghcr.io/a", "ghcr.io/ä",
  ])
  func others(text: String) { #expect(throws: RegistryReference.Problem.self) { try RegistryReference(text) } }

  @Test func thisMachine() throws {
    for (host, isLocal) in [
      ("localhost", true), ("127.0.0.1:5000", true), ("[::1]:1", true), ("localhost.example", false),
      ("10.0.0.1", false),
    ] { #expect(try RegistryReference("\(host)/a").isLocal == isLocal, "\(host)") }
  }
}
