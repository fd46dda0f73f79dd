import Diagnostics
import Pipeline

/// What cannot be done with a LLaMA-Factory file, with the evidence; worded in `LLaMAFactoryProblem+Wording.swift`.
enum LLaMAFactoryProblem: Sendable {
  // The file
  case unknownKey(String)
  case unknownChoice(String, among: [String])
  case unknownTemplate(String)
  /// A key whose value nothing here can honour.
  case refused(String, String, reason: String, advice: String?)
  case missing(String, reason: String, advice: String)
  /// Two keys that LLaMA-Factory refuses together.
  case together(String, String, reason: String)
  case nothingToDo
  /// The file says which model to talk with, and asks for nothing to be run.
  case chat(command: String)
  case benchmark
  case noPipeline

  // Models
  case notHere(String, kind: String, looked: [String])
  case checkpoint(String)

  // Datasets
  case onlineDatasets(String)
  case noRegistry(folder: String)
  case unknownDataset(String, among: [String], file: String)
  case entryKind(String, found: String)
  case unknownEntryKey(String, among: [String])
  case remoteDataset(String, key: String, where: String)
  case noFile(String)
  case entryValue(String, reason: String, advice: String)
  case wrongRows(String, stage: String, isRanking: Bool)
  case noTag(String)
  case images(String, column: String)
  case missingColumn(String, column: String, meaning: String, found: [String])
  case unreadColumn(String, column: String, meaning: String)
  case emptyFolder(String)
}

extension LLaMAFactoryProblem {
  struct Words {
    var code: String
    var summary: String
    var reason: String?
    var advice: String?
    var severity = Diagnostic.Severity.error

    init(_ code: String, _ summary: String, why reason: String? = nil, try advice: String? = nil) {
      self.code = code
      self.summary = summary
      self.reason = reason
      self.advice = advice
    }

    func asWarning() -> Words {
      var words = self
      words.severity = .warning
      return words
    }
  }

  func diagnostic(
    at value: LocatedValue, path: String? = nil, related: [Diagnostic.Related] = []
  ) -> Diagnostic {
    let words = words
    return value.diagnostic(
      words.severity, code: words.code, words.summary, path: path, reason: words.reason, advice: words.advice,
      related: related)
  }
}
