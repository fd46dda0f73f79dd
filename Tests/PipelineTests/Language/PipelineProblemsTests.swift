import Testing

/// What is said about the parts of a pipeline, its nodes, fields and files.
struct PipelineProblemsTests {
  @Test func unknownTopLevel() {
    let text = """
      pipeline: sft
      nods:
        base: {type: load_model, from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:2:1: error: Unknown key `nods`
            nods:
            ^
          at `nods`
          why: a pipeline file has [`pipeline`, `extends`, `include`, `params`, `matrix`, `groups`, `nodes`, `outputs`, `cache`]
          try: `nodes`
        """)
  }

  @Test func unknownTopLevelFar() {
    let text = """
      pipeline: sft
      colour: red
      nodes:
        base: {type: load_model, from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:2:1: error: Unknown key `colour`
            colour: red
            ^
          at `colour`
          why: a pipeline file has [`pipeline`, `extends`, `include`, `params`, `matrix`, `groups`, `nodes`, `outputs`, `cache`]
        """)
  }

  @Test func missingNodes() {
    let text = """
      pipeline: sft

      """
    #expect(
      messages(text) == """
        sft.yaml:1:1: error: `nodes` is missing
            pipeline: sft
            ^
          try: Add `nodes:` and at least one node below it
        """)
  }

  @Test func missingName() {
    let text = """
      nodes:
        base: {type: load_model, from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:1:1: error: `pipeline` is missing
            nodes:
            ^
          try: Start the file with `pipeline: NAME`
        """)
  }

  @Test func noNodes() {
    let text = """
      pipeline: sft
      nodes: {}

      """
    #expect(
      messages(text) == """
        sft.yaml:2:1: error: The pipeline has no nodes
            nodes: {}
            ^
          at `nodes`
          try: Add one under `nodes:`
        """)
  }

  @Test func nodesAreAList() {
    let text = """
      pipeline: sft
      nodes: [a]

      """
    #expect(
      messages(text) == """
        sft.yaml:2:8: error: `nodes` is a list
            nodes: [a]
                   ^
          at `nodes`
          why: a map of nodes is wanted
        """)
  }

  @Test func badPipelineName() {
    let text = """
      pipeline: ../sft
      nodes:
        base: {type: load_model, from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:1:11: error: `../sft` is no name for a pipeline
            pipeline: ../sft
                      ^
          at `pipeline`
          why: it names a folder: letters, digits, `_`, `-` and `.`, starting with a letter or digit
        """)
  }

  @Test func namesThatNoFileSystemTakes() {
    let long = String(repeating: "n", count: 251)
    let text = """
      pipeline: \(long)
      nodes:
        \(long): {type: load_model, from: weights.gguf}

      """
    let found = messages(text)
    #expect(
      found.contains(
        "error: The name of a pipeline has 251 letters, at most 250 are possible: `nnnnnnnnnnnnnnnnnnnn…`"))
    #expect(
      found.contains("error: The name of a node has 251 letters, at most 250 are possible: `nnnnnnnnnnnnnnnnnnnn…`"))
    #expect(!messages(text.replacing(long, with: String(long.dropLast()))).contains("The name of"))
  }

  @Test func badNodeName() {
    let text = """
      pipeline: sft
      nodes:
        a.b: {type: load_model, from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:3: error: `a.b` is no name for a node
              a.b: {type: load_model, from: weights.gguf}
              ^
          at `nodes.a.b`
          why: names start with a letter or `_` and go on with letters, digits, `_` and `-`
        """)
  }

  @Test func nodeIsText() {
    let text = """
      pipeline: sft
      nodes:
        base: load_model

      """
    #expect(
      messages(text) == """
        sft.yaml:3:9: error: Node `base` is `load_model`
              base: load_model
                    ^
          at `nodes.base`
          why: a node is a map
          try: `base: {type: …}`
        """)
  }

  @Test func nodeWithoutType() {
    let text = """
      pipeline: sft
      nodes:
        base: {from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:3: error: Node `base` has no `type`
              base: {from: weights.gguf}
              ^
          at `nodes.base`
          try: One of [`load_dataset`, `mix`, `apply_template`, `tokenize`, `load_model`, `train`, `notify`]
        """)
  }

  @Test func unknownType() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_modle, from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:16: error: Unknown node type `load_modle`
              base: {type: load_modle, from: weights.gguf}
                           ^
          at `nodes.base.type`
          try: `load_model`
        """)
  }

  @Test func unknownTypeFar() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: bake, from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:16: error: Unknown node type `bake`
              base: {type: bake, from: weights.gguf}
                           ^
          at `nodes.base.type`
          try: Node types are [`load_dataset`, `mix`, `apply_template`, `tokenize`, `load_model`, `train`, `notify`]
        """)
  }

  @Test func unknownField() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, learning_rat: 2}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:76: error: Unknown field `learning_rat`
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, learning_rat: 2}
                                                                                       ^
          at `nodes.sft.learning_rat`
          why: node `sft` is of type `train`, which has no such field or input
          try: `learning_rate`
        """)
  }

  @Test func unknownFieldFar() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: rows.jsonl, colour: red}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:48: error: Unknown field `colour`
              rows: {type: load_dataset, from: rows.jsonl, colour: red}
                                                           ^
          at `nodes.rows.colour`
          why: node `rows` is of type `load_dataset`, which has no such field or input
          try: Its fields and inputs are [`from`, `format`]
        """)
  }

  @Test func misspeltRequiredField() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, lerning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:55: error: Unknown field `lerning_rate`
              sft: {type: train, model: base, data: tokens.train, lerning_rate: 1e-4}
                                                                  ^
          at `nodes.sft.lerning_rate`
          why: node `sft` is of type `train`, which has no such field or input
          try: `learning_rate`
        """)
  }

  @Test func missingField() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:3: error: Field `learning_rate` is missing
              sft: {type: train, model: base, data: tokens.train}
              ^
          at `nodes.sft`
          why: size of a step
        """)
  }

  @Test func missingInput() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, data: tokens.train, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:6:3: error: Input `model` is missing
              sft: {type: train, data: tokens.train, learning_rate: 1e-4}
              ^
          at `nodes.sft`
          why: it takes the name of a node that gives `model`
          try: `model: NODE`
        """)
  }

  @Test func missingSource() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: rose.jsonl}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:36: error: No file or folder `rose.jsonl`
              rows: {type: load_dataset, from: rose.jsonl}
                                               ^
          at `nodes.rows.from`
          why: paths are relative to the folder that `anneal` is started in
        """)
  }

  @Test func folderForFile() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: data}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:36: error: `data` is a folder
              rows: {type: load_dataset, from: data}
                                               ^
          at `nodes.rows.from`
          why: a file is wanted here
        """)
  }

  @Test func unreadableSource() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: locked.jsonl}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:36: error: Cannot read `locked.jsonl`
              rows: {type: load_dataset, from: locked.jsonl}
                                               ^
          at `nodes.rows.from`
          why: Permission denied
        """)
  }

  @Test func emptyPath() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: ""}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:36: error: The path is empty
              rows: {type: load_dataset, from: ""}
                                               ^
          at `nodes.rows.from`
        """)
  }
}
