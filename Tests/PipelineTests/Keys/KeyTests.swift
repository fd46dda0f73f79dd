import Pipeline
import PreciseJSON
import Testing

/// What moves keys and what does not.
struct KeyTests {
  private func keys(_ text: String, set: [String] = []) throws -> Set<Digest> {
    Set(try load(text, set: set).nodes.map(\.planKey))
  }

  private func key(_ node: String, set: [String] = [], sources: ToySources = ToySources()) throws -> Digest {
    try #require(try load(goodPipeline, set: set, sources: sources).node(node)).planKey
  }

  /// Written like `goodPipeline` by another hand: other names, order, style, comments, file names.
  @Test func formattingIsNotInTheKey() throws {
    let other = """
      # the same
      outputs: [final]
      nodes:
        final:
          # order does not matter
          schedule:
            warmup_ratio: 5.0e-2
            type: "cosine"
          learning_rate: 0.0001
          data: pieces.train
          model: m
          type: train
          rank: 16            # the default
          notes: nothing that counts
          threads: 7
          timeout: 2h
        pieces: {validation: 0.050, max_length: 0x200, type: tokenize, conversations: talk}
        talk: {type: apply_template, dataset: r}
        r: {type: load_dataset, from: copied.jsonl, format: auto}
        m: {type: load_model, from: moved.gguf}
      pipeline: other
      """
    var sources = ToySources()
    sources.files["copied.jsonl"] = "rows"
    sources.files["moved.gguf"] = "weights"
    let moved = try load(other, sources: sources)
    #expect(Set(moved.nodes.map(\.planKey)) == (try keys(goodPipeline)))
  }

  @Test func whatDecidesTheResultIsInTheKey() throws {
    let before = try key("sft")
    #expect(try key("sft", set: ["learning_rate=2e-4"]) != before)
    #expect(try key("sft", set: ["nodes.sft.schedule.type=linear"]) != before)
    #expect(try key("sft", set: ["nodes.tokens.max_length=513"]) != before)
    #expect(try key("tokens", set: ["learning_rate=2e-4"]) == (try key("tokens")))
    #expect(try key("sft", set: ["nodes.sft.data=tokens.validation"]) != before)
    #expect(try key("sft", set: ["nodes.sft.reference=base"]) != before)
    var changed = ToySources()
    changed.files["rows.jsonl"] = "other rows"
    #expect(try key("sft", sources: changed) != before)
    #expect(try key("base", sources: changed) == (try key("base")))
  }

  @Test func whatDoesNotIsNot() throws {
    let before = try key("sft")
    for set in ["threads=4", "notes=hello", "timeout=5m", "retries=3", "memory=1GB"] {
      #expect(try key("sft", set: ["nodes.sft.\(set)"]) == before, "\(set)")
    }
  }

  @Test func laterFieldsLeaveOldKeysAlone() throws {
    #expect(try key("sft", set: ["nodes.sft.beta=0.1"]) == (try key("sft")))
    #expect(try key("sft", set: ["nodes.sft.beta=0.2"]) != (try key("sft")))
    #expect(try load(goodPipeline).node("sft")?.planPreimage["fields.beta"] == nil)
  }

  /// Keys of the first release, for ever: when one of these moves, everybody's results are lost.
  @Test func goldenKeys() throws {
    let pipeline = try load(goodPipeline)
    let found = pipeline.nodes.map { "\($0.name) \($0.planKey)" }
    #expect(
      found == [
        "base 53380fdd567aee70a83f64db065e35bc4a7195d691435806e4fbd0cb24a1b5ee",
        "rows cbf37a4b436b68596edd90bbacd75a709a7cda79b7001d35efa5f82dd14593dd",
        "chat 927a5364d32e13b0750736df8c957979f9433a544a5c6d963e6c9def021423a9",
        "tokens 8273170ba7114e6e0da8ddb2037aac34f1cff90679c319f9b792500a87826b1a",
        "sft 07f1467250c46e0eb60c0ddcf35698341943ee9ce2fc4925680c069d9484b1a2",
      ])
    let sft = try #require(pipeline.node("sft"))
    let action = sft.actionKey { port, index in Digest(of: Array("\(port)\(index)".utf8)) }
    #expect(action.key.hex == "00f6fa76fb0dd81c15d148bf5d7ead8e18999a954af8f404dc3a4d6905ac30a4")
    #expect(
      action.preimage.entries.map(\.label) == [
        "fields.epochs", "fields.learning_rate", "fields.max_steps", "fields.rank", "fields.schedule.type",
        "fields.schedule.warmup_ratio", "fields.shuffle", "fields.targets", "implementation", "inputs.data[0]",
        "inputs.model[0]", "type",
      ])
  }

  @Test func domainsSeparate() {
    let entries = [KeyPreimage.Entry("type", "train")]
    #expect(
      Set([KeyPreimage(.plan, entries).key, KeyPreimage(.action, entries).key, KeyPreimage(.part, entries).key]).count
        == 3)
  }

  @Test func preimagesComeBackFromJSON() throws {
    for node in try load(goodPipeline).nodes {
      let back = try KeyPreimage(json: JSON(parsing: node.planPreimage.json.text()))
      #expect(back == node.planPreimage)
      #expect(back?.key == node.planKey)
    }
    #expect(KeyPreimage(json: ["domain": "else", "entries": [:]]) == nil)
  }
}
