import Foundation

/// The path of a committed fixture: `fixture("Tokenization/gpt2.json")` is `Tests/Fixtures/Tokenization/gpt2.json`.
package func fixture(_ path: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Tests/Fixtures").appendingPathComponent(path).path
}

/// A real model or tokenizer fetched beforehand, under the folder that the environment variable `ANNEAL_ASSETS` names;
/// nil when it is not there, so that a test can skip visibly.
package func realAsset(_ path: String) -> String? {
  existing(path, under: "ANNEAL_ASSETS")
}

/// A real dataset under the folder that the environment variable `ANNEAL_DATA` names; nil when it is not there.
package func realData(_ path: String) -> String? {
  existing(path, under: "ANNEAL_DATA")
}

private func existing(_ path: String, under variable: String) -> String? {
  guard let root = ProcessInfo.processInfo.environment[variable] else { return nil }
  let whole = URL(fileURLWithPath: root).appendingPathComponent(path).path
  return FileManager.default.fileExists(atPath: whole) ? whole : nil
}
