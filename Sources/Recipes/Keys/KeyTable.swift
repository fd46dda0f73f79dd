/// Every key of another program's files, and what becomes of each here.
package struct KeyTable: Sendable {
  /// The keys of one part of the program's declarations.
  package struct Section: Sendable {
    /// What the program calls the part.
    package let title: String
    package let keys: [ArgumentKey]

    init(_ title: String, _ keys: [ArgumentKey]) {
      self.title = title
      self.keys = keys
    }
  }

  /// Whose files they are: `LLaMA-Factory`.
  package let program: String
  package let sections: [Section]
  /// Keys that other releases or programs have, and what they are called here.
  let formerNames: [String: String]
  let byName: [String: ArgumentKey]
  let names: [String]
  /// The names of maps whose members are keys: `optimizer` where there is `optimizer.lr`.
  let groups: Set<String>

  init(_ program: String, _ sections: [Section], formerNames: [String: String]) {
    self.program = program
    self.sections = sections
    self.formerNames = formerNames
    let keys = sections.flatMap(\.keys)
    byName = Dictionary(keys.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    names = keys.map(\.name)
    groups = Set(
      names.flatMap { name in
        let parts = name.split(separator: ".")
        return (1..<max(1, parts.count)).map { parts[..<$0].joined(separator: ".") }
      })
  }
}

extension KeyTable {
  /// The table of all keys in Markdown: a section a part of the program's declarations.
  package var reference: String {
    var lines: [String] = []
    for section in sections {
      lines += ["### \(section.title)", "", "| key | default | | what becomes of it |", "|---|---|---|---|"]
      lines += section.keys.map { key in
        let since = key.since.map { "; since \($0)" } ?? ""
        let words = key.words.replacing("|", with: "\\|") + key.adviceWords + since
        return "| `\(key.name)` | \(key.standard.map { "`\($0)`" } ?? "") | \(key.mark) | \(words) |"
      }
      lines.append("")
    }
    return lines.joined(separator: "\n")
  }
}

extension ArgumentKey {
  fileprivate var mark: String {
    switch fate {
    case .becomes: "→"
    case .idle: "–"
    case .refused: "✗"
    }
  }

  fileprivate var adviceWords: String {
    guard case .refused(let allowed, let advice) = fate else { return "" }
    let accepted = allowed.isEmpty ? "" : "; \(allowed.map { "`\($0)`" }.joined(separator: ", ")) is as good as nothing"
    return accepted + (advice.map { ". Instead: \($0)" } ?? "")
  }
}
