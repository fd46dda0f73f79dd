import Datasets
import Pipeline
import TensorFiles
import Tokenization

/// The lines of a record group of an artefact.
func readGroup(_ view: ArtefactView, _ name: String) throws -> [String] {
  let path = try view.path(of: name)
  return try MappedFile(path: path).withBytes { try GroupFile.lines($0, file: path) }
}

/// The text of a small file of the store.
func textOf(_ path: String) throws -> String {
  try MappedFile(path: path).withBytes { String(decoding: $0, as: UTF8.self) }
}

extension NodeContext {
  /// The tokenizer at a port.
  func tokenizer(_ port: String = "tokenizer") throws -> Tokenizer { try Tokenizer.load(folder: linkedFolder(port)) }
}

extension Tokenizer {
  /// The names under which templates know special tokens.
  package var templateTokens: [String: String] {
    var tokens: [String: String] = [:]
    tokens["bos_token"] = specialTokens.bos?.text
    tokens["eos_token"] = specialTokens.eos?.text
    tokens["pad_token"] = specialTokens.pad?.text
    tokens["unk_token"] = specialTokens.unknown?.text
    return tokens
  }

  /// The texts of the tokens after which an answer is over.
  package var endMarks: [String] { endOfTurnIDs.compactMap { token(for: $0) } }
}
