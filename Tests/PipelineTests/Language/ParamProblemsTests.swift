import Testing

/// What is said about params and their use.
struct ParamProblemsTests {
  @Test func unknownParam() {
    let text = """
      pipeline: sft
      params:
        data: rows.jsonl
      nodes:
        rows: {type: load_dataset, from: ${dat}}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:36: error: Unknown param `dat`
              rows: {type: load_dataset, from: ${dat}}
                                               ^
          at `nodes.rows.from`
          try: `data`
        """)
  }

  @Test func unknownParamFar() {
    let text = """
      pipeline: sft
      params:
        data: rows.jsonl
      nodes:
        rows: {type: load_dataset, from: ${weights}}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:36: error: Unknown param `weights`
              rows: {type: load_dataset, from: ${weights}}
                                               ^
          at `nodes.rows.from`
          try: Params are [`data`]
        """)
  }

  @Test func laterParam() {
    let text = """
      pipeline: sft
      params:
        a: ${b}
        b: rows.jsonl
      nodes:
        rows: {type: load_dataset, from: ${a}}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:6: error: Param `b` is given further down
              a: ${b}
                 ^
          at `params.a`
          why: a param may use those above it
          try: Move `b` up
        """)
  }

  @Test func selfParam() {
    let text = """
      pipeline: sft
      params:
        a: ${a}/x
      nodes:
        rows: {type: load_dataset, from: ${a}}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:6: error: Param `a` uses itself
              a: ${a}/x
                 ^
          at `params.a`
        """)
  }

  @Test func openReference() {
    let text = """
      pipeline: sft
      params:
        a: rows.jsonl
      nodes:
        rows: {type: load_dataset, from: "${a"}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:36: error: `${a` is not a reference to a param
              rows: {type: load_dataset, from: "${a"}
                                               ^
          at `nodes.rows.from`
          try: `${name}`, or `$${` for the text `${`
        """)
  }

  @Test func emptyReference() {
    let text = """
      pipeline: sft
      params:
        a: rows.jsonl
      nodes:
        rows: {type: load_dataset, from: "${}${a}"}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:36: error: `${}` is not a reference to a param
              rows: {type: load_dataset, from: "${}${a}"}
                                               ^
          at `nodes.rows.from`
          try: `${name}`, or `$${` for the text `${`
        """)
  }

  @Test func listInText() {
    let text = """
      pipeline: sft
      params:
        a: [x, y]
      nodes:
        rows: {type: load_dataset, from: "${a}.jsonl"}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:36: error: Param `a` cannot stand inside a text
              rows: {type: load_dataset, from: "${a}.jsonl"}
                                               ^
          at `nodes.rows.from`
          why: it is a list
          try: Use `${a}` alone
        """)
  }

  @Test func mapParam() {
    let text = """
      pipeline: sft
      params:
        a: {x: y}
      nodes:
        rows: {type: load_dataset, from: ${a}}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:6: error: Param `a` is a map
              a: {x: y}
                 ^
          at `params.a`
          why: a param is a value or a list of values
        """)
  }

  @Test func unusedParam() {
    let text = """
      pipeline: sft
      params:
        a: x
        data: rows.jsonl
      nodes:
        rows: {type: load_dataset, from: ${data}}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:3: warning: Param `a` is not used
              a: x
              ^
          at `params.a`
        """)
  }

  @Test func paramOfWrongType() {
    let text = """
      pipeline: sft
      params:
        steps: many
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, max_steps: ${steps}}

      """
    #expect(
      messages(text) == """
        sft.yaml:9:87: error: `many` is not a whole number
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, max_steps: ${steps}}
                                                                                                  ^
          at `nodes.sft.max_steps`
          see: sft.yaml:3:10: param `steps` is given here
        """)
  }

  @Test func badParamName() {
    let text = """
      pipeline: sft
      params:
        2nd: rows.jsonl
      nodes:
        rows: {type: load_dataset, from: rows.jsonl}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:3: error: `2nd` is no name for a param
              2nd: rows.jsonl
              ^
          at `params.2nd`
          why: names start with a letter or `_` and go on with letters, digits, `_` and `-`
        """)
  }

  @Test func listOfLists() {
    let text = """
      pipeline: sft
      params:
        a: [x, y]
        b: [z, "${a}"]
      nodes:
        rows: {type: load_dataset, from: "${b}"}
      """
    #expect(
      messages(text) == """
        sft.yaml:4:6: error: Param `b` is a list of lists
              b: [z, "${a}"]
                 ^
          at `params.b`
          why: a param is a value or a list of values
        """)
  }

  @Test func brokenParamIsReportedOnce() {
    let text = """
      pipeline: sft
      params:
        a: ${b}
        c: ${a}/x
      nodes:
        rows: {type: load_dataset, from: "${c}"}
        more: {type: load_dataset, from: "${a}"}
        all: {type: mix, datasets: [rows, more]}
      """
    #expect(
      messages(text) == """
        sft.yaml:3:6: error: Unknown param `b`
              a: ${b}
                 ^
          at `params.a`
          try: Give it a value: `params: {b: …}`
        """)
  }
}
