import ArgumentParser
import Datasets
import Foundation
import PreciseJSON
import Tokenization

/// `anneal tokenize`: text in, ids out.
struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Turns text on standard input into token ids.")

  @Option(help: "A model folder, a folder with tokenizer.json, or a .gguf file.")
  var tokenizer: String

  @Flag(help: "Print JSON with `ids` and `tokens`: one object, or one a line with --lines.")
  var json = false

  @Flag(help: "Take every line as a text of its own.")
  var lines = false

  @Flag(help: "Print how many tokens there are and how long finding them took, instead of the tokens.")
  var count = false

  @Option(help: "How many threads encode the lines.")
  var threads = ProcessInfo.processInfo.activeProcessorCount

  @Flag(help: "Put the tokenizer's own special tokens around each text, as HF does also where the text has them.")
  var addSpecialTokens = false

  func validate() throws {
    if threads < 1 { throw ValidationError("--threads is at least 1.") }
  }

  func run() throws {
    try reportingProblems {
      let tokenizer = try Tokenizer.load(path: tokenizer)
      let input = [UInt8](FileHandle.standardInput.readDataToEndOfFile())
      let texts = lines ? Self.lines(of: input) : [input[...]]
      let clock = ContinuousClock()
      var found: [[Int32]] = []
      let time = try clock.measure {
        found = try concurrentMap(texts, threads: threads) { text in
          Result { try text.withUnsafeBytes { try tokenizer.encode($0, addsSpecialTokens: addSpecialTokens) } }
        }.map { try $0.get() }
      }
      if count {
        printCount(texts, found, seconds: time / .seconds(1))
      } else {
        for ids in found { printTokens(ids, tokenizer) }
      }
    }
  }

  /// What stands before each line feed, and what follows the last one.
  private static func lines(of input: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines = input.split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  private func printTokens(_ ids: [Int32], _ tokenizer: Tokenizer) {
    let tokens = ids.map { tokenizer.token(for: $0) ?? "" }
    if json {
      let object: JSON = ["ids": .array(ids.map { JSON(Int($0)) }), "tokens": .array(tokens.map { JSON($0) })]
      Terminal.put(object.text())
    } else {
      for (id, token) in zip(ids, tokens) { Terminal.put("\(id)\t\(token)") }
    }
  }

  private func printCount(_ texts: [ArraySlice<UInt8>], _ found: [[Int32]], seconds: Double) {
    let bytes = texts.reduce(0) { $0 + $1.count }
    let tokens = found.reduce(0) { $0 + $1.count }
    if json {
      let object: JSON = [
        "texts": JSON(texts.count), "bytes": JSON(bytes), "tokens": JSON(tokens), "seconds": JSON(seconds),
      ]
      Terminal.put(object.text())
    } else {
      let rate = String(format: "%.1f", Double(bytes) / 1e6 / max(seconds, 1e-9))
      Terminal.put("\(tokens) tokens in \(texts.count) texts of \(bytes) bytes (\(rate) MB/s)")
    }
  }
}
