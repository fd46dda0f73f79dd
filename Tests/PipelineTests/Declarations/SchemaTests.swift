import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// The JSON Schema for editors.
///
/// Its verdicts over a corpus were made by Python's `jsonschema`
/// (`scripts/reference/pipeline_schema.py`); the reader's must be the same.
struct SchemaTests {
  private func read(_ name: String) throws -> JSON {
    try JSON(parsing: Array(Data(contentsOf: URL(fileURLWithPath: fixture("Pipeline/\(name)")))), file: name)
  }

  @Test func schemaIsTheOneThatWasJudged() throws {
    #expect(try PipelineSchema(toyRegistry).json == read("toy-schema.json"))
    #expect(try PipelineSchema(choiceRegistry).json == read("choice-schema.json"))
  }

  @Test func editorAndProgramSayTheSame() throws {
    let corpus = try #require(try read("schema-verdicts.json").array)
    #expect(corpus.count > 60)
    for one in corpus {
      let text = try #require(one["text"]?.string)
      let said = messages(text)
      #expect(said.contains("error:") != one["valid"]?.bool, "\(text)\n\(said)")
    }
  }

  /// Fields that hang on choices: the same.
  @Test func editorAndProgramSayTheSameOfChoices() throws {
    let corpus = try #require(try read("choice-verdicts.json").array)
    #expect(corpus.count > 60)
    for one in corpus {
      let text = try #require(one["text"]?.string)
      let isRead = (try? loadChoices(text)) != nil
      #expect(isRead == one["valid"]?.bool, "\(text)")
    }
  }

  /// The validator that tests use in Python's place says what Python said.
  @Test(arguments: [("toy", "schema"), ("choice", "choice")])
  func validatorSaysWhatPythonSaid(schema: String, verdicts: String) throws {
    let validator = SchemaValidator(try read("\(schema)-schema.json"))
    for one in try #require(try read("\(verdicts)-verdicts.json").array) {
      let text = try #require(one["text"]?.string)
      let passes = try (try? CoreSchema.json(text)).map(validator.passes) ?? false
      #expect(passes == one["valid"]?.bool, "\(text)")
    }
  }

  /// No object is left open, and every reference leads somewhere.
  @Test(arguments: [toyRegistry, choiceRegistry])
  func closedAndComplete(_ registry: NodeRegistry) throws {
    let schema = PipelineSchema(registry).json
    func walk(_ value: JSON, _ path: String) {
      if let object = value.object {
        if let target = object["$ref"]?.string {
          #expect(schema["$defs"]?[String(target.dropFirst("#/$defs/".count))] != nil, "\(target)")
        }
        // What only asks, or only says more about a closed object, closes nothing.
        let isBranching =
          object["allOf"] != nil && object["additionalProperties"] == nil || path.contains(".if")
          || path.hasSuffix(".then") || path.hasSuffix(".else")
        if object["properties"]?.object != nil, !path.hasSuffix("properties"), !isBranching {
          #expect(object["additionalProperties"] == false, "\(path)")
        }
        for (key, member) in object.members { walk(member, "\(path).\(key)") }
      } else {
        for item in value.array ?? [] { walk(item, path) }
      }
    }
    walk(schema, "$")
  }

  @Test(arguments: [toyRegistry, choiceRegistry])
  func everyFieldAndPortIsEverywhere(_ registry: NodeRegistry) throws {
    let page = NodeReference(registry).page
    for type in registry.types {
      let branch = PipelineSchema(registry).json["$defs"]?["node.\(type.name)"]?["properties"]
      let description = NodeReference(registry).description(of: type)
      for name in type.fields.map(\.name) + type.inputs.map(\.name) {
        #expect(branch?[name]?["description"] != nil, "\(type.name).\(name)")
        #expect(page.contains("| `\(name)` |"), "\(name)")
        #expect(description.contains("  \(name) "), "\(name)")
      }
    }
  }
}
