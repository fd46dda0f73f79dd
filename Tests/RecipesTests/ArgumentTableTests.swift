import Diagnostics
import Foundation
import PreciseJSON
import Recipes
import TestKit
import Testing

/// The table of keys against LLaMA-Factory's own declarations, which `scripts/reference/llamafactory_keys.py` wrote down.
@Suite struct ArgumentTableTests {
  private static func pinned() throws -> JSON { try readJSON(fixture("Recipes/llamafactory_keys.json")) }

  private static let keys = KeyTable.llamaFactory.sections.flatMap(\.keys)

  @Test("every key of 0.9.4 is there, in its class and order, and no other without its release")
  func noKeyIsMissing() throws {
    let classes = try #require(try Self.pinned()["classes"]?.object)
    #expect(classes.keys == KeyTable.llamaFactory.sections.map(\.title))
    for section in KeyTable.llamaFactory.sections {
      let pinned = try #require(classes[section.title]?.object?.keys)
      #expect(section.keys.filter { $0.since == nil }.map(\.name) == pinned, "\(section.title)")
    }
    let names = Self.keys.map(\.name)
    #expect(Set(names).count == names.count && names.count > 350)
  }

  @Test("defaults are LLaMA-Factory's")
  func defaults() throws {
    let classes = try Self.pinned()["classes"]
    for section in KeyTable.llamaFactory.sections {
      for key in section.keys where key.since == nil {
        let pinned = try #require(classes?[section.title]?[key.name])
        #expect(Self.isSame(key.standard, pinned), "\(key.name): \(key.standard ?? "nil"), pinned \(pinned.text())")
      }
    }
  }

  private static func isSame(_ written: String?, _ pinned: JSON) -> Bool {
    guard let written else { return pinned.isNull }
    if let bool = pinned.bool { return written == "\(bool)" }
    if let number = pinned.double { return Double(written) == number }
    if let text = pinned.string { return written == text }
    // Maps and lists stand in the table without quotes.
    return written == pinned.text().replacing("\"", with: "").replacing(":", with: ": ").replacing(": ", with: ": ")
  }

  @Test func everyRowSaysSomething() {
    for key in Self.keys {
      #expect(key.words.count > 5 && !key.words.hasSuffix("."), "\(key.name)")
    }
  }

  @Test("templates of 0.9.4 are known")
  func templates() throws {
    let names = try #require(try Self.pinned()["templates"]?.array?.compactMap(\.string))
    #expect(names.count > 100)
    for name in names {
      let outcome = try Recipe("template: \(name)").expanded()
      #expect(!outcome.problems.contains { $0.code == "unknown-choice" }, "\(name)")
    }
  }

  @Test("schedules of transformers are known, or refused with what to take")
  func schedules() throws {
    let names = try #require(try Self.pinned()["schedules"]?.array?.compactMap(\.string))
    for name in names {
      let outcome = try Recipe("lr_scheduler_type: \(name)\neval_strategy: steps\nval_size: 0.1").expanded()
      #expect(!outcome.problems.contains { $0.code == "unknown-choice" }, "\(name)")
    }
  }

  /// Files of every kind, of which some one has a use for each key that becomes something.
  private static let files = [
    "", "stage: pt", "stage: kto\ndataset: judged", "stage: rm\ndataset: pairs",
    "stage: dpo\ndataset: pairs\nref_model: tiny",
    "stage: dpo\ndataset: pairs\npref_loss: simpo", "finetuning_type: full", "finetuning_type: freeze",
    "finetuning_type: oft", "finetuning_type: full\nuse_galore: true", "finetuning_type: full\nuse_apollo: true",
    "finetuning_type: full\nuse_badam: true", "use_asft_loss: true", "use_eaft_loss: true", "quantization_bit: 4",
    "do_train: false\ndo_predict: true\npredict_with_generate: true\neval_dataset: rows\ndataset: null",
    "do_train: false\nexport_dir: merged\nadapter_name_or_path: adapter", "val_size: 0.1\neval_strategy: steps",
    "val_size: 0.1\neval_strategy: steps\nload_best_model_at_end: true", "eval_dataset: rows,more\ndo_eval: true",
    "adapter_name_or_path: adapter", "model_name_or_path: org/none", "template: qwen3",
  ]

  @Test("every key that becomes something is read for some kind of file")
  func everyKeyIsRead() throws {
    for key in Self.keys where key.fate == .becomes {
      let value: String =
        switch key.kind {
        case .bool: key.standard == "true" ? "false" : "true"
        case .integer: "2"
        case .number: "0.5"
        case .text, .names: key.standard ?? "rows"
        case .choice(let names): names.last ?? ""
        case .any: key.name == "lr_scheduler_kwargs" ? "{num_cycles: 1}" : key.standard ?? "x"
        }
      let isRead = try Self.files.contains { file in
        let lines = file.split(separator: "\n").filter { !$0.hasPrefix("\(key.name):") }.map(String.init)
        let text = try Recipe((lines + ["\(key.name): \(value)"]).joined(separator: "\n")).expanded().text
        return text.isEmpty
          ? false : !text.contains("  \(key.name): \(value) (what the file asks for has no use for it)")
      }
      #expect(isRead, "\(key.name)")
    }
  }

  @Test("docs/llamafactory.md has the table")
  func thePage() throws {
    let root = URL(fileURLWithPath: fixture("")).deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/llamafactory.md"), encoding: .utf8)
    #expect(
      page.contains(KeyTable.llamaFactory.reference),
      "docs/llamafactory.md is out of date: put what `anneal expand --keys llama-factory` prints below its head")
  }
}
