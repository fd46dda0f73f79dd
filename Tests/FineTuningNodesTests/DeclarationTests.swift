import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// One declaration a field drives decoding, keys, schema and reference page.
struct DeclarationTests {
  @Test func aFieldIsInTheKeyExactlyWhenItDecidesTheResult() throws {
    let problems = try KeyCoverage.problems(fineTuningNodes)
    #expect(problems == [])
  }

  /// A new field of a node type makes its parts anew; a field that is said to be harmless to them is in this list.
  @Test func aFieldThatDecidesIsInTheKeysOfParts() throws {
    let problems = try PartCoverage.problems(fineTuningNodes)
    #expect(problems == [])
    let ignored = fineTuningNodes.types.flatMap { type in
      type.parts.flatMap { part in part.ignoredFields.sorted().map { "\(type.name).\($0)" } }
    }
    #expect(ignored == ["load_dataset.max_rows", "load_dataset.max_rows"])
  }

  @Test func everyStoredPropertyIsDeclared() throws {
    let undeclared = try DeclarationCoverage.undeclared(fineTuningNodes)
    #expect(undeclared == [])
  }

  @Test func theReferencePageIsUpToDate() throws {
    let root = URL(fileURLWithPath: fixture("")).deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/nodes.md"), encoding: .utf8)
    #expect(
      page == NodeReference(fineTuningNodes).page,
      "docs/nodes.md is out of date; make it again with `anneal nodes --markdown > docs/nodes.md`")
  }

  /// What a node reads outside the store is named by a path, whose text it cannot see; a text field could be opened.
  @Test func filesAreNamedByPathsAlone() {
    let names: Set<String> = ["from", "path", "file", "folder", "directory", "template"]
    for type in fineTuningNodes.types {
      for field in type.fields where names.contains(field.name) {
        #expect(field.kind.words == FilePath.kind.words, "\(type.name).\(field.name)")
      }
    }
  }

  /// Names, docs and units as the reference page can show them.
  @Test func declarationsAreWorded() {
    for type in fineTuningNodes.types {
      #expect(!type.summary.isEmpty && !type.summary.hasSuffix("."), "\(type.name)")
      for field in type.fields {
        #expect(!field.doc.isEmpty && !field.doc.hasSuffix("."), "\(type.name).\(field.name)")
      }
    }
  }

  /// Inspections look into files; whatever stands there, they see something or throw, and inference goes on.
  @Test(arguments: ["nowhere/at/all", "", "/dev/null", fixture("Command/greedy.json"), fixture("Command")])
  func inferenceOutlivesBadSources(_ path: String) throws {
    for type in fineTuningNodes.types {
      guard case .object(var fields) = type.defaultFields.json else { continue }
      for field in type.fields where field.kind.words == FilePath.kind.words { fields[field.name] = JSON(path) }
      // Of fields of one name at most one has an effect.
      let idle = Dictionary(grouping: type.fields, by: \.name).filter { _, same in
        same.allSatisfy { field in
          field.condition?.holds { fields[$0].flatMap { $0.isNull ? nil : [$0.string ?? $0.text()] } } == false
        }
      }
      for name in idle.keys { fields[name] = nil }
      let decoded = try type.fields(json: .object(fields))
      // As the engine does: what cannot list its sources has nothing to look into.
      let seen = (try? type.sources(decoded)).flatMap { try? type.inspection(decoded, NodeSources($0))?.read() } ?? [:]
      let inference = try type.infer(decoded, InputTypes([:], seen: seen))
      #expect(Set(inference.outputs.keys) == Set(type.outputs.map(\.name)), "\(type.name)")
    }
  }
}
