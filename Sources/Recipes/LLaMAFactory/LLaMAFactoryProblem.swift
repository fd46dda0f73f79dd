/// What cannot be done with a file of LLaMA-Factory's in particular, with the evidence; worded in
/// `LLaMAFactoryProblem+Wording.swift`.
enum LLaMAFactoryProblem: Sendable {
  // The file
  case unknownTemplate(String)
  case nothingToDo
  /// The file says which model to talk with, and asks for nothing to be run.
  case chat(command: String)
  case benchmark

  // Models
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
}
