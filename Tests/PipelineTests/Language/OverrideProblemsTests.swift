import Pipeline
import Testing

/// What is said about `--set` arguments.
struct OverrideProblemsTests {
  @Test func overrideWithoutValue() {
    #expect(
      messages(goodPipeline, set: ["rank"]) == """
        --set argument 1: error: `rank` changes nothing
            rank
            ^
          why: `--set` takes `NAME=VALUE`
          try: `--set learning_rate=1e-4` or `--set nodes.sft.rank=8`
        """)
  }

  @Test func overrideUnknownParam() {
    #expect(
      messages(goodPipeline, set: ["learning_rat=1"]) == """
        --set argument 1: error: Nothing is called `learning_rat`
            learning_rat=1
            ^
          why: `--set` takes the name of a param, or `nodes.NODE.FIELD`
          try: `learning_rate`
        """)
  }

  @Test func overrideUnknownNode() {
    #expect(
      messages(goodPipeline, set: ["nodes.stf.rank=8"]) == """
        --set argument 1: error: No node is called `stf`
            nodes.stf.rank=8
            ^
          at `nodes.stf.rank`
          try: `sft`
        """)
  }

  @Test func overrideUnknownField() {
    #expect(
      messages(goodPipeline, set: ["nodes.sft.rnak=8"]) == """
        --set argument 1: error: Unknown field `rnak`
            nodes.sft.rnak=8
            ^
          at `nodes.sft.rnak`
          why: node `sft` is of type `train`, which has no such field or input
          try: `rank`
        """)
  }

  @Test func overrideWrongValue() {
    #expect(
      messages(goodPipeline, set: ["nodes.sft.rank=many"]) == """
        --set argument 1: error: `many` is not a whole number
            nodes.sft.rank=many
                           ^
          at `nodes.sft.rank`
        """)
  }

  @Test func overrideOutOfRange() {
    #expect(
      messages(goodPipeline, set: ["nodes.sft.epochs=2", "nodes.sft.schedule.warmup_ratio=7"]) == """
        --set argument 2: error: `7` is out of range
            nodes.sft.schedule.warmup_ratio=7
                                            ^
          at `nodes.sft.schedule.warmup_ratio`
          why: it must be at least 0 and at most 1
        """)
  }

  @Test func overrideThroughScalar() {
    #expect(
      messages(goodPipeline, set: ["nodes.sft.rank.deep=1"]) == """
        --set argument 1: error: A map stands here
            nodes.sft.rank.deep=1
            ^
          at `nodes.sft.rank`
          why: a whole number is wanted
        """)
  }

  @Test func overrideBadYAML() {
    #expect(
      messages(goodPipeline, set: ["nodes.sft.targets=[a"]) == """
        --set argument 1: error: A `,` or `]` is missing
            nodes.sft.targets=[a
                              ^
          why: a `[` is still open
          try: Close it, or put the text in quotes
        """)
  }

  @Test func overrideElsewhere() {
    #expect(
      messages(goodPipeline, set: ["outputs.x=1"]) == """
        --set argument 1: error: Nothing is called `outputs.x`
            outputs.x=1
            ^
          why: `--set` takes the name of a param, or `nodes.NODE.FIELD`
          try: Params are [`learning_rate`, `data`]
        """)
  }

  @Test func overrideParamWrongValue() {
    #expect(
      messages(goodPipeline, set: ["learning_rate=fast"]) == """
        sft.yaml:14:20: error: `fast` is not a number
                learning_rate: ${learning_rate}
                               ^
          at `nodes.sft.learning_rate`
          see: --set argument 1: param `learning_rate` is given here
        """)
  }

  @Test(
    "a value is taken as it stands, signs of YAML included",
    arguments: [
      "a # b", "key: value", "&anchor", "*alias", "!tag", "| block", "> folded", "%x", "@x", "`x`", "- x", "? x",
      "a\tb",
      "'tis", "\"a\" b", "  two blanks",
    ])
  func overrideAsItStands(_ text: String) throws {
    let pipeline = try load(goodPipeline, set: ["nodes.sft.notes=\(text)"])
    #expect(try #require(pipeline.node("sft")?.fields.of(ToyTrain.Fields.self)).notes == text)
  }

  @Test(
    "lists, maps and whole quoted texts are read as in a file", arguments: [("'a: b'", "a: b"), ("\"a\\nb\"", "a\nb")])
  func overrideQuoted(written: String, text: String) throws {
    let pipeline = try load(goodPipeline, set: ["nodes.sft.notes=\(written)", "nodes.sft.targets=[q, 'k']"])
    let fields = try #require(pipeline.node("sft")?.fields.of(ToyTrain.Fields.self))
    #expect(fields.notes == text)
    #expect(fields.targets == ["q", "k"])
  }

  @Test(
    "a decimal comma gets the point, not ten times the number",
    arguments: [
      ("1,5e-5", "`1.5e-5`"), ("0,01", "`0.01`"), ("0,00001", "`0.00001`"), ("-2,5", "`-2.5`"), ("0,001", "`0.001`"),
      ("1,000", "`1.000` or `1000`"), ("12,500e-3", "`12.500e-3`"),
    ])
  func decimalComma(text: String, advice: String) {
    #expect(
      messages(goodPipeline, set: ["nodes.sft.learning_rate=\(text)"]) == """
        --set argument 1: error: `\(text)` is not a number
            nodes.sft.learning_rate=\(text)
                                    ^
          at `nodes.sft.learning_rate`
          why: the decimal sign of YAML is the point
          try: \(advice)
        """)
  }

  @Test(
    "groups of digits get advice only where one number can be meant",
    arguments: [
      ("learning_rate", "1.000,5", "`1000.5`"), ("learning_rate", "1,000,000", "`1000000`"),
      ("learning_rate", "1_0.5", "`10.5`"), ("learning_rate", "0,5,5", nil), ("rank", "1,5", nil),
      ("rank", "1,000", "`1000`"),
    ])
  func digitGroups(field: String, text: String, advice: String?) {
    let found = messages(goodPipeline, set: ["nodes.sft.\(field)=\(text)"])
    #expect(found.contains("`\(text)` is not a"))
    #expect(found.contains("try:") == (advice != nil))
    #expect(advice.map { found.contains("try: \($0)") } ?? true, "\(found)")
  }
}
