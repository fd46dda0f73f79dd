import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// `cache:` of pipeline files and of the user's configuration: what is read, and what is said about what is wrong.
@Suite("Configuration of caches") struct CacheConfigurationTests {
  private func user(_ text: String) throws -> UserConfiguration {
    try UserConfiguration(bytes: Array(text.utf8), file: "/home/me/config.yaml")
  }

  /// What is said about a configuration.
  private func said(_ text: String) -> String {
    do {
      _ = try user(text)
      return ""
    } catch { return diagnostics(of: error).rendered() }
  }

  @Test func severalCachesAreAskedInTheirOrder() throws {
    let caches = try user(
      """
      cache:
        - ro:team
        - https://example.org/ml/
        - {name: mine, folder: /mnt/mine, mode: read_write}
        - {url: "http://[::1]:80", mode: read}
      """
    ).caches.map(\.settings)
    #expect(caches.map(\.isWritable) == [false, true, true, false])
    #expect(caches.map { $0.folder?.text } == ["/home/me/team", nil, "/mnt/mine", nil])
    #expect(caches.map { $0.url?.text } == [nil, "https://example.org/ml", nil, "http://[::1]:80"])
    #expect(caches[2].name == "mine")
    #expect(try user("cache: /mnt/one").caches.count == 1)
    #expect(try user("cache:").caches.isEmpty)
    #expect(try user("").caches.isEmpty)
  }

  @Test func whatIsWrongIsSaidAtItsPlace() {
    let cases: [(String, String)] = [
      ("cash: []", "/home/me/config.yaml:1:1: error: Unknown key `cash`"),
      ("caches: []", "try: `cache`"),
      ("- a", "config.yaml:1:1: error: A list stands here"),
      ("cache: [ftp://x/y]", "config.yaml:1:9: error: The address of a cache has another scheme"),
      ("cache:\n  - {url: http://a/b}", "config.yaml:2:5: error: Field `mode` is missing"),
      ("cache:\n  - {mode: read}", "config.yaml:2:5: error: Field `url` is missing"),
      ("cache: {url: http://a, folder: b, mode: read}", "`url` has no effect beside `folder`"),
      ("cache: {folder: b, mode: read, bearer: $X}", "`bearer` has no effect beside `folder`"),
      ("cache: {url: http://a, mode: read, bearer: $X, basic: $Y}", "`basic` has no effect beside `bearer`"),
      ("cache: {url: http://a, mode: write}", "`write` is not one of [`read`, `read_write`]"),
      ("cache: {url: http://a, modes: read}", "try: `mode`"),
      ("cache: {url: http://a:0, mode: read}", "The port of a cache's address is no number from 1 to 65535"),
      ("cache: {url: \"http://\", mode: read}", "The address of a cache has no host"),
      ("cache: {url: \"http://a/b?c\", mode: read}", "has a `?` or `#` in it"),
      ("cache: {url: http://a, mode: read, headers: [x]}", "A list stands here"),
      (
        "cache: {url: http://a, mode: read, headers: {Content-Length: $X}}",
        "`Content-Length` is no header that may be set"
      ),
      ("cache: {url: http://a, mode: read, headers: {\"a b\": $X}}", "`a b` is no header that may be set"),
      ("cache: {url: https://a, mode: read, key: k}", "`key` has no effect without `certificate`"),
      ("cache: {url: http://a, mode: read, ca: c}", "`ca` has no effect with `http://`"),
      ("cache: {folder: ~/x, mode: read}", "would be a folder named `~`"),
      ("cache: ~/x", "would be a folder named `~`"),
      ("cache: \"ro:\"", "A cache has no place"),
      ("trusted_keys: [me]", "`me` is no public key"),
    ]
    for (text, words) in cases { #expect(said(text).contains(words), "\(text)\n\(said(text))") }
  }

  /// What may be a secret is in no message, which may end in a log.
  @Test func secretsAreRefusedAndNotRepeated() {
    for text in [
      "cache: https://me:hunter2@example.org/x", "cache: [\"ro:http://hunter2@example.org\"]",
      "cache: {url: http://hunter2@a, mode: read}", "cache: {url: http://a, mode: read, bearer: hunter2}",
      "cache: {url: http://a, mode: read, headers: {X: hunter2}}",
    ] {
      #expect(said(text).contains("error:") && !said(text).contains("hunter2"), "\(said(text))")
      #expect(said(text).contains("variable"), "\(said(text))")
    }
  }

  @Test func aPipelineNamesCachesAndNoKeyChanges() throws {
    let workspace = try ToyWorkspace()
    try workspace.folder.write("one\n", to: "input.txt")
    let plain = try workspace.pipeline(chain)
    let named = try workspace.pipeline(
      chain.replacingOccurrences(
        of: "nodes:",
        with: "params: {place: /mnt/x}\ncache: [\"${place}/y\", {url: http://a, mode: read, basic: $B}]\nnodes:"))
    #expect(named.warnings.isEmpty)
    #expect(named.caches.map { $0.settings.folder?.text } == ["/mnt/x/y", nil])
    #expect(plain.nodes.map(\.planKey) == named.nodes.map(\.planKey))
    #expect(throws: (any Error).self) {
      try workspace.pipeline(chain.replacingOccurrences(of: "nodes:", with: "cache: [[]]\nnodes:"))
    }
  }

  @Test func whoeverNamesAPlaceFirstSaysHowItIsUsed() throws {
    let configured = try user("cache: [{url: http://a/x, mode: read_write, bearer: $B}, /mnt/y, /mnt/z]\n")
    let choice = CacheChoice(
      arguments: [try CacheSettings("ro:http://a/x"), try CacheSettings("rel"), try CacheSettings("/mnt/y")],
      pipeline: [LocatedCache(try CacheSettings("ro:/mnt/z"))], user: configured, project: "/project")
    let settings = choice.caches.map(\.settings)
    #expect(settings.map { $0.url?.text ?? $0.folder?.text } == ["http://a/x", "/project/rel", "/mnt/y", "/mnt/z"])
    #expect(settings.map(\.isWritable) == [false, true, true, false])
    #expect(settings[0].bearer?.name == "B", "the credentials are those of the configuration")
  }
}
