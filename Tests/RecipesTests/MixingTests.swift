import Diagnostics
import Recipes
import TestKit
import Testing

/// How many rows of each set are learned from, where LLaMA-Factory draws them by turns or by number.
@Suite struct MixingTests {
  @Test("sets that take turns are as many rows of each as the turns come to")
  func mixing() throws {
    func expanded(_ keys: String, _ entry: String = "") throws -> Recipe.Outcome {
      let recipe = try Recipe(
        keys, registry: #"{"rows": {"file_name": "few.jsonl"\#(entry)}, "more": {"file_name": "many.jsonl"}}"#)
      func lines(_ count: Int) -> String {
        (0..<count).map { #"{"instruction": "Say \#($0).", "output": "\#($0)"}"# }.joined(separator: "\n") + "\n"
      }
      try recipe.folder.write(lines(4), to: "data/few.jsonl")
      try recipe.folder.write(lines(10), to: "data/many.jsonl")
      return try recipe.expanded()
    }
    let under = try expanded("dataset: rows,more\nmix_strategy: interleave_under")
    #expect(under.problems.isEmpty && under.text.contains("max_rows: 4  # mix_strategy"), "\(under.text)")
    let over = try expanded("dataset: rows,more\nmix_strategy: interleave_over")
    #expect(over.text.contains("dataset: [rows_rows, rows_rows, rows_rows_rest, rows_more]"), "\(over.text)")
    #expect(over.text.contains("max_rows: 2  # mix_strategy"), "\(over.text)")
    let shares = try expanded("dataset: rows,more\nmix_strategy: interleave_under\ninterleave_probs: 0.8,0.2")
    #expect(shares.text.contains("max_rows: 1  # mix_strategy"), "\(shares.text)")
    // A number of rows to hold out is a share of all there are.
    let held = try expanded("dataset: rows,more\nval_size: 7")
    #expect(held.problems.isEmpty && held.text.contains("validation: 0.5  # val_size"), "\(held.text)")
    #expect(held.text.contains("#   val_size: 7 of 14 rows, as a share of them; met on average"), "\(held.text)")
    let fewer = try expanded("", #", "num_samples": 3"#)
    #expect(fewer.text.contains("max_rows: 3  # num_samples"), "\(fewer.text)")
    #expect(
      fewer.problems.map(\.summary) == ["The first 3 rows of dataset `rows` are taken"]
        && !fewer.problems.hasErrors, "\(fewer.rendered)")
    let again = try expanded("", #", "num_samples": 6"#)
    #expect(again.problems.isEmpty && again.text.contains("dataset: [rows_rows, rows_rows_rest]"), "\(again.text)")
  }
}
