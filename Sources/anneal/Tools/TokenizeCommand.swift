import ArgumentParser
import Foundation
import PreciseJSON
import Tokenization

/// `anneal tokenize`: text in, ids out.
struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Turns text on standard input into token ids.")

  @Option(help: "A model folder, a folder with tokenizer.json, or a .gguf file.")
  var tokenizer: String

  @Flag(help: "Print one JSON object with `ids` and `tokens`.")
  var json = false

  @Flag(help: "Put the tokenizer's own special tokens around the text.")
  var addSpecialTokens = false

  func run() throws {
    try reportingProblems {
      let tokenizer = try Tokenizer.load(path: tokenizer)
      let text = FileHandle.standardInput.readDataToEndOfFile()
      let ids = text.withUnsafeBytes { tokenizer.encode($0, addsSpecialTokens: addSpecialTokens) }
      let tokens = ids.map { tokenizer.token(for: $0) ?? "" }
      if json {
        let object: JSON = [
          "ids": .array(ids.map { JSON(Int($0)) }), "tokens": .array(tokens.map { JSON($0) }),
        ]
        Terminal.put(object.text())
      } else {
        for (id, token) in zip(ids, tokens) { Terminal.put("\(id)\t\(token)") }
      }
    }
  }
}
