import Diagnostics
import Pipeline
import Testing

/// The order and the extent of the resolved graph.
struct OrderTests {
  @Test func producersComeFirstAndTiesGoByName() throws {
    #expect(try load(goodPipeline).nodes.map(\.name) == ["base", "rows", "chat", "tokens", "sft"])
  }

  @Test func bindings() throws {
    let sft = try #require(try load(goodPipeline, set: ["nodes.sft.reference=base"]).node("sft"))
    #expect(
      sft.inputs.map { "\($0.port)[\($0.index)] \($0.node).\($0.output)" } == [
        "model[0] base.model", "data[0] tokens.train", "reference[0] base.model",
      ])
    #expect(sft.outputTypes["model"]?["tokenizer"] == "smol")
    #expect(sft.place.description == "sft.yaml:10:3")
  }

  @Test func listsKeepTheirOrder() throws {
    let text = """
      pipeline: mixed
      nodes:
        b: {type: load_dataset, from: rows.jsonl}
        a: {type: load_dataset, from: more.jsonl}
        all: {type: mix, datasets: [b, a.rows, b]}
      """
    let pipeline = try load(text)
    #expect(pipeline.node("all")?.inputs.map(\.node) == ["b", "a", "b"])
    #expect(pipeline.outputs == [OutputReference(node: "all", port: "rows")])
    let turned = try load(text, set: ["nodes.all.datasets=[a, b, b]"])
    #expect(turned.node("all")?.planKey != pipeline.node("all")?.planKey)
  }

  @Test func onlyWhatOutputsNeedIsRun() throws {
    let pipeline = try load(goodPipeline, set: ["nodes.sft.notes=x"])
    #expect(pipeline.unusedNodes.isEmpty)
    let short = try load(String(goodPipeline.dropLast("outputs: [sft]".count)) + "outputs: [tokens.validation]")
    #expect(short.nodes.map(\.name) == ["rows", "chat", "tokens"])
    #expect(short.unusedNodes == ["base", "sft"])
    #expect(short.outputs == [OutputReference(node: "tokens", port: "validation")])
    #expect(short.warnings.map(\.summary) == ["Node `base` is not run", "Node `sft` is not run"])
  }

  @Test func aNodeWithSeveralOutputsGivesAllOfThem() throws {
    let pipeline = try load(String(goodPipeline.dropLast("outputs: [sft]".count)) + "outputs: [tokens]")
    #expect(pipeline.outputs.map(\.port) == ["train", "validation"])
  }
}
