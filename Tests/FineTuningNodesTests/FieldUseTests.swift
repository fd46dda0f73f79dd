import FineTuningNodes
import Foundation
import Pipeline
import TestKit
import Testing

/// A field that is declared, is in the key and is read by nobody lies to its user.
///
/// The sources are searched for a use of every declared field outside of its declaration.
struct FieldUseTests {
  @Test func everyFieldIsRead() throws {
    let root = URL(fileURLWithPath: fixture("")).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources").path
    let sources = SourceSearch(
      files: try ["FineTuningNodes", "Datasets", "Training", "Rewards", "anneal"].flatMap { module in
        try FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(module)").filter { $0.hasSuffix(".swift") }.map {
          ($0, try String(contentsOfFile: "\(root)/\(module)/\($0)", encoding: .utf8))
        }
      })
    // The search sees all that there is: as many fields as the node types have, those that several take from one
    // set of fields once.
    let all = fineTuningNodes.types.flatMap { Self.declarations($0.fields) }
    #expect((Set(all).count...all.count).contains(sources.declarations.count))
    #expect(sources.unread == [])
  }

  @Test func aFieldThatNobodyReadsIsFound() {
    let text = """
      enum Lying: NodeType {
        struct Group: FieldGroup {
          var depth = 1
          var width = 1
          static let fields: [Field<Self>] = [Field("depth", \\.depth, doc: "(a"), Field("width", \\.width, doc: "b")]
        }
        struct Fields: FieldSet {
          var formats = ["a"]
          var kept = 1
          var derived = 2
          var group = Group()
          var twice: Int { 2 * derived }
          static let fields: [Field<Self>] = [
            Field("formats", \\.formats, doc: "fields.formats"), Field("kept", \\.kept, doc: "b"),
            Field("derived", \\.derived, doc: "c"), Field("group", \\.group, doc: "d"),
          ]
        }
        /// Not fields.formats.
        static func run(_ fields: Fields) { print(fields.kept, fields.twice, fields.group.width, "fields.formats") }
      }
      """
    #expect(
      SourceSearch(files: [("Lying.swift", text)]).unread == [
        "`depth` of `Group` in Lying.swift", "`formats` of `Fields` in Lying.swift",
      ])
  }

  /// What is said of every field, those of groups too.
  private static func declarations(_ fields: [FieldDescription]) -> [String] {
    fields.flatMap { field -> [String] in
      let own = "\(field.name): \(field.doc)"
      return [own] + declarations(field.kind.members?.fields ?? [])
    }
  }
}

/// Source files as lists of words and signs, searched for declarations of fields and for uses of them.
private struct SourceSearch {
  struct Declaration {
    var file: String
    /// The struct that declares the field.
    var owner: String
    /// The protocol whose extension reads the field for all that conform; nil where there is none.
    var reader: String?
    var isGroup: Bool
    /// The property, as the declaration's key path has it.
    var path: [String]
  }

  private let files: [String: [String]]
  private(set) var declarations: [Declaration] = []

  init(files: [(String, String)]) {
    self.files = Dictionary(files.map { ($0.0, Self.words($0.1)) }) { first, _ in first }
    for (file, words) in self.files.sorted(by: { $0.key < $1.key }) {
      // A setting of an optimizer, a schedule or a reward function becomes a field: . number ( "" , \ . a , or )
      let settings: Set<String> = ["number", "count", "flag", "numbers", "choice", "text", "texts"]
      for index in words.indices.dropFirst()
      where next(words, index) == "("
        && (words[index] == "Field" || words[index - 1] == "." && settings.contains(words[index]))
      {
        // Field ( "" , \ . a . b , or )
        guard index + 4 < words.count, words[index + 4] == "\\" else { continue }
        let path = words[(index + 5)...].prefix { ![",", ")", "["].contains($0) }.filter { $0 != "." }
        guard let (owner, isGroup, reader) = Self.owner(of: index, in: words) else { continue }
        declarations.append(
          Declaration(file: file, owner: owner, reader: reader, isGroup: isGroup, path: Array(path)))
      }
    }
  }

  var unread: [String] {
    declarations.filter { !isRead($0) }.map { "`\($0.path.joined(separator: "."))` of `\($0.owner)` in \($0.file)" }
  }

  /// Whether code outside of the declaration names the property: as a member of a value that is called as sets of fields
  /// or the group are, or by its bare name inside the owner, which computes something from it.
  private func isRead(_ declaration: Declaration) -> Bool {
    guard let property = declaration.path.last else { return false }
    if declaration.path.count > 1 {
      // A key path through a value of another module is read where that module reads its value.
      return files.values.contains { words in
        words.indices.contains { words[$0] == property && member(words, $0) != nil }
      }
    }
    let own = files[declaration.file] ?? []
    let holders = declaration.isGroup ? names(of: declaration.owner, in: own) + ["fields"] : ["fields", "settings"]
    let unit = URL(fileURLWithPath: declaration.file).deletingPathExtension().lastPathComponent
    return files.values.contains { words in
      if let reader = declaration.reader, words.contains(reader),
        words.indices.contains(where: { index in
          words[index] == property && isBare(words, index) && Self.owner(of: index, in: words, named: reader) != nil
        })
      {
        return true
      }
      guard words.contains(unit) || words == own || words.contains(unit.replacing("Fields", with: "")) else {
        return false
      }
      return words.indices.contains { index in
        guard words[index] == property else { return false }
        if let holder = member(words, index) { return holders.contains(holder) || holder == "self" }
        return isBare(words, index) && Self.owner(of: index, in: words, named: declaration.owner) != nil
      }
    }
  }

  /// What stands before `.property`, through `?`; nil where it is no member of a value.
  private func member(_ words: [String], _ index: Int) -> String? {
    guard index >= 2, words[index - 1] == "." else { return nil }
    var holder = index - 2
    while holder > 0, words[holder] == "?" { holder -= 1 }
    // `node.fields.of(Export.Fields.self)?.to` is a member of fields.
    if words[holder] == ")", words[..<holder].suffix(8).contains("Fields") { return "fields" }
    return words[holder].first?.isLetter == true ? words[holder] : nil
  }

  /// Whether a word stands by itself and is not being declared, given as an argument's label, or part of a key path.
  private func isBare(_ words: [String], _ index: Int) -> Bool {
    let before = index > 0 ? words[index - 1] : ""
    return ![".", "\\", "var", "let", "case", "func"].contains(before) && next(words, index) != ":"
  }

  private func next(_ words: [String], _ index: Int) -> String { index + 1 < words.count ? words[index + 1] : "" }

  /// The properties that hold a group: `var schedule = Schedule()`.
  private func names(of group: String, in words: [String]) -> [String] {
    words.indices.dropFirst(3).compactMap { index in
      words[index] == group && ["=", ":"].contains(words[index - 1]) && words[index - 3] == "var"
        ? words[index - 2] : nil
    }
  }

  /// The innermost struct of fields, or extension of one, around a word.
  private static func owner(
    of index: Int, in words: [String], named: String? = nil
  ) -> (String, isGroup: Bool, reader: String?)? {
    var depth = 0
    for place in words[..<index].indices.reversed() {
      switch words[place] {
      case "}": depth += 1
      case "{" where depth > 0: depth -= 1
      case "{":
        let head = Array(words[..<place].suffix(while: { !["}", "{", ";"].contains($0) }))
        let kinds: Set<String> = [
          "FieldSet", "FieldGroup", "TunableGroup", "OptimizerSettings", "Schedule", "RewardKind", "ChecksAnswer",
          "TrainedParts",
        ]
        if let start = head.lastIndex(of: "struct"), head[start...].dropFirst(2).contains(where: kinds.contains) {
          let found = head[start + 1]
          let isGroup = head[start...].contains { ["FieldGroup", "TunableGroup"].contains($0) }
          let reader = head[start...].contains("TunableGroup") ? "TunableGroup" : nil
          return named == nil || found == named ? (found, isGroup, reader) : nil
        }
        if let named, let start = head.lastIndex(of: "extension"), head[start...].contains(named) {
          return (named, false, nil)
        }
      default: break
      }
    }
    return nil
  }

  /// Names, numbers and signs; comments are left out, texts are empty ones.
  private static func words(_ text: String) -> [String] {
    var words: [String] = []
    var rest = Array(text.utf8)[...]
    func isWord(_ byte: UInt8) -> Bool {
      byte == 0x5F || byte >= 0x80 || Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber
    }
    let (quotes, quote) = (Array("\"\"\"".utf8), UInt8(ascii: "\""))
    while let byte = rest.first {
      if rest.starts(with: "//".utf8) {
        rest = rest.drop { $0 != 0x0A }
      } else if rest.starts(with: quotes) {
        rest = rest.dropFirst(3)
        while !rest.isEmpty, !rest.starts(with: quotes) { rest = rest.dropFirst() }
        rest = rest.dropFirst(3)
        words.append("\"\"")
      } else if byte == quote {
        rest = rest.dropFirst()
        while let inner = rest.first, inner != quote { rest = rest.dropFirst(inner == UInt8(ascii: "\\") ? 2 : 1) }
        rest = rest.dropFirst()
        words.append("\"\"")
      } else if isWord(byte) {
        let word = rest.prefix(while: isWord)
        words.append(String(decoding: word, as: UTF8.self))
        rest = rest.dropFirst(word.count)
      } else {
        if byte > 0x20 { words.append(String(UnicodeScalar(byte))) }
        rest = rest.dropFirst()
      }
    }
    return words
  }
}

extension BidirectionalCollection {
  /// The longest ending whose elements all pass.
  fileprivate func suffix(while passes: (Element) -> Bool) -> SubSequence {
    var start = endIndex
    while start > startIndex, passes(self[index(before: start)]) { start = index(before: start) }
    return self[start...]
  }
}
