import Diagnostics
import Foundation
import Recipes
import TestKit
import Testing

/// `dataset_info.json`: every key, and its traps.
@Suite struct DatasetRegistryTests {
  /// What an expansion makes of a registry with one dataset named `rows`.
  private func expanded(_ entry: String, rows: String? = nil, keys: String = "") throws -> Recipe.Outcome {
    let recipe = try Recipe(keys, registry: "{\"rows\": \(entry)}")
    if let rows { try recipe.folder.write(rows, to: "data/rows.json") }
    return try recipe.expanded()
  }

  @Test("columns take the place of all defaults, and what the file has beside them is told")
  func columnsReplaceTheDefaults() throws {
    let rows = #"[{"instruction": "a", "input": "b", "output": "c", "system": "s", "id": 3}]"#
    let plain = try expanded(#"{"file_name": "rows.json"}"#, rows: rows)
    #expect(plain.text.contains("ignore_columns: [system]  # LLaMA-Factory passes over them"), "\(plain.text)")
    #expect(
      plain.rendered == """
        data/dataset_info.json:1:10: warning: Column `system` of dataset `rows` is not read
            {"rows": {"file_name": "rows.json"}}
                     ^
          at `rows.columns`
          why: unless `columns` names it, LLaMA-Factory passes over it; `columns` takes the place of all defaults
          try: `"columns": {…, "system": "system"}` where it belongs to what is learned
        """, "\(plain.rendered)")
    let mapped = try expanded(
      #"{"file_name": "rows.json", "columns": {"prompt": "instruction", "response": "output", "system": "system"}}"#,
      rows: rows)
    #expect(mapped.text.contains("ignore_columns: [input]"), "\(mapped.text)")
    #expect(mapped.problems.map(\.summary) == ["Column `input` of dataset `rows` is not read"])
  }

  @Test("columns are called what the file calls them")
  func names() throws {
    let outcome = try expanded(
      #"{"file_name": "rows.json", "columns": {"prompt": "q", "response": "a", "history": "before"}}"#,
      rows: #"[{"q": "1", "a": "2", "before": []}]"#)
    #expect(outcome.problems.isEmpty, "\(outcome.rendered)")
    for line in ["instruction: q", "output: a", "history: before"] { #expect(outcome.text.contains(line), "\(line)") }
  }

  @Test(
    "messages are told by the names of their members",
    arguments: [
      (
        #"{"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}"#, "messages"
      ),
      (#"{"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}"#, "sharegpt"),
    ])
  func tags(tags: String, format: String) throws {
    let outcome = try expanded(
      #"{"file_name": "rows.json", "formatting": "sharegpt", "columns": {"messages": "turns"}, "tags": \#(tags)}"#,
      rows: #"[{"turns": []}]"#)
    #expect(outcome.problems.isEmpty, "\(outcome.rendered)")
    #expect(outcome.text.contains("format: \(format)") && outcome.text.contains("messages: turns"), "\(outcome.text)")
  }

  /// An entry, and what is wrong with it.
  private struct Entry {
    var text: String
    var summary: String
    var advice: String?

    init(_ text: String, _ summary: String, _ advice: String?) {
      self.text = text
      self.summary = summary
      self.advice = advice
    }
  }

  private static let entries: [Entry] = [
    Entry(
      #"{"hf_hub_url": "org/set", "file_name": "rows.json"}"#,
      "Dataset `rows` lies at `org/set`, and nothing is fetched here",
      "`hf download --repo-type dataset org/set --local-dir data/rows`, and say `file_name` in place of `hf_hub_url`"
    ),
    Entry(
      #"{"ms_hub_url": "org/set"}"#, "Dataset `rows` lies at `org/set`, and nothing is fetched here",
      "fetch it, and say `file_name` in place of `ms_hub_url`"
    ),
    Entry(
      #"{"script_url": "script"}"#, "Dataset `rows` lies at `script`, and nothing is fetched here",
      "fetch it, and say `file_name` in place of `script_url`"
    ),
    Entry(
      #"{"cloud_file_name": "s3://x"}"#, "Dataset `rows` lies at `s3://x`, and nothing is fetched here",
      "fetch it, and say `file_name` in place of `cloud_file_name`"
    ),
    Entry("{}", "Dataset `rows` names no file", #"`"file_name": "rows.jsonl"`"#),
    Entry("3", "Dataset `rows` is `3`, not a map", nil),
    Entry(
      #"{"file_name": "rows.json", "formatting": "alpca"}"#, "`alpca` is none of [`alpaca`, `sharegpt`, `openai`]",
      "`alpaca`"
    ),
    Entry(
      #"{"file_name": "rows.json", "split": "test"}"#, "A part of a file (`split: test`) is not read",
      "write the part to a file of its own"
    ),
    Entry(
      #"{"file_name": "rows.json", "columns": {"prompt": "instruction", "response": "output", "images": "pictures"}}"#,
      "Dataset `rows` has images, and models see text alone here", "leave the dataset out of `dataset`"
    ),
    Entry(
      #"{"file_name": "rows.json", "columns": {"prompt": "instrution", "response": "output"}}"#,
      "Rows of dataset `rows` have no column `instrution`, which is its `prompt`", "`instruction`"
    ),
    Entry(
      #"{"file_name": "rows.json", "formatting": "sharegpt", "tags": {"role_tag": "who", "content_tag": "what"}}"#,
      "Messages have `who` and `what`, which are not read", "rename them in the file"
    ),
  ]

  @Test("what is wrong with an entry is told where it stands", arguments: entries.indices)
  func faults(index: Int) throws {
    let wanted = Self.entries[index]
    let outcome = try expanded(wanted.text)
    let found = outcome.problems.first { $0.severity == .error }
    let problem = try #require(found, "\(wanted.text)")
    #expect(problem.summary == wanted.summary && problem.advice == wanted.advice, "\(outcome.rendered)")
    #expect(problem.place?.file == "data/dataset_info.json" && problem.place?.line == 1)
  }

  @Test("a key that LLaMA-Factory passes over is a warning with the nearest name")
  func unknownKey() throws {
    let outcome = try expanded(#"{"file_name": "rows.json", "formating": "alpaca"}"#)
    #expect(
      outcome.rendered == """
        data/dataset_info.json:1:37: warning: Datasets have no key `formating`
            {"rows": {"file_name": "rows.json", "formating": "alpaca"}}
                                                ^
          at `rows.formating`
          why: LLaMA-Factory passes over it
          try: `formatting`
        """, "\(outcome.rendered)")
  }

  @Test("a folder is its files, in the order of their names")
  func folders() throws {
    let recipe = try Recipe("", registry: #"{"rows": {"file_name": "many"}}"#)
    for name in ["b.json", "a.json", "notes.md"] {
      try recipe.folder.write(#"[{"instruction": "Hi", "output": "Hello."}]"#, to: "data/many/\(name)")
    }
    let outcome = try recipe.expanded()
    #expect(outcome.problems.isEmpty, "\(outcome.rendered)")
    #expect(outcome.text.contains("dataset: [rows_rows_1, rows_rows_2]"), "\(outcome.text)")
    let first = try #require(outcome.text.range(of: "data/many/a.json"))
    let second = try #require(outcome.text.range(of: "data/many/b.json"))
    #expect(first.lowerBound < second.lowerBound && !outcome.text.contains("notes.md"))
  }

  @Test("a set that is named twice is used once")
  func twice() throws {
    let outcome = try expanded(#"{"file_name": "rows.json"}"#, keys: "dataset: rows, rows")
    #expect(
      outcome.text.contains("dataset: `rows` is named twice and used once, as in LLaMA-Factory"), "\(outcome.text)")
  }
}
