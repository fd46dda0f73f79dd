import Testing

/// What is said about wiring, types and outputs.
struct GraphProblemsTests {
  @Test func unknownNode() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: row}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:41: error: Unknown node `row`
              chat: {type: apply_template, dataset: row}
                                                    ^
          at `nodes.chat.dataset`
          try: `rows`
        """)
  }

  @Test func unknownNodeFar() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: nothing}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:41: error: Unknown node `nothing`
              chat: {type: apply_template, dataset: nothing}
                                                    ^
          at `nodes.chat.dataset`
          try: Nodes are [`base`, `rows`, `tokens`, `sft`]
        """)
  }

  @Test func unknownOutput() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.trian, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:41: error: Node `tokens` has no output `trian`
              sft: {type: train, model: base, data: tokens.trian, learning_rate: 1e-4}
                                                    ^
          at `nodes.sft.data`
          try: `train`
        """)
  }

  @Test func severalOutputs() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:41: error: Node `tokens` has several outputs
              sft: {type: train, model: base, data: tokens, learning_rate: 1e-4}
                                                    ^
          at `nodes.sft.data`
          try: One of [`tokens.train`, `tokens.validation`]
        """)
  }

  @Test func ownOutput() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: chat}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:41: error: Node `chat` takes its own output
              chat: {type: apply_template, dataset: chat}
                                                    ^
          at `nodes.chat.dataset`
        """)
  }

  @Test func listForOneInput() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: [rows]}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:41: error: A list stands here
              chat: {type: apply_template, dataset: [rows]}
                                                    ^
          at `nodes.chat.dataset`
          why: input `dataset` takes one node
        """)
  }

  @Test func mapForInput() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: {a: b}}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:41: error: A map stands here
              chat: {type: apply_template, dataset: {a: b}}
                                                    ^
          at `nodes.chat.dataset`
          why: input `dataset` takes the name of a node
          try: `NODE` or `NODE.OUTPUT`
        """)
  }

  @Test func emptyListInput() {
    let text = """
      pipeline: sft
      nodes:
        all: {type: mix, datasets: []}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:30: error: The list is empty
              all: {type: mix, datasets: []}
                                         ^
          at `nodes.all.datasets`
          why: input `datasets` takes at least one node
        """)
  }

  @Test func portType() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: base}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:41: error: Input `dataset` of node `chat` takes `rows`, not `model`
              chat: {type: apply_template, dataset: base}
                                                    ^
          at `nodes.chat.dataset`
          why: node `base` gives `model` at its output `model`
          try: `rows`
          see: sft.yaml:3:3: node `base` is here
        """)
  }

  @Test func portTypeInList() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        all: {type: mix, datasets: [rows, base]}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:37: error: Input `datasets` of node `all` takes `rows`, not `model`
              all: {type: mix, datasets: [rows, base]}
                                                ^
          at `nodes.all.datasets[1]`
          why: node `base` gives `model` at its output `model`
          try: `rows`
          see: sft.yaml:3:3: node `base` is here
        """)
  }

  @Test func cycle() {
    let text = """
      pipeline: sft
      nodes:
        c: {type: mix, datasets: b}
        a: {type: mix, datasets: c}
        b: {type: mix, datasets: [rows, a]}
        rows: {type: load_dataset, from: rows.jsonl}
        end: {type: mix, datasets: c}

      """
    #expect(
      messages(text) == """
        sft.yaml:4:28: error: Nodes wait for each other: `a` → `b` → `c` → `a`
              a: {type: mix, datasets: c}
                                       ^
          at `nodes.a.datasets`
          why: each takes an output of the one before it
        """)
  }

  @Test func facetConflict() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat, tokenizer: gpt2}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:41: error: Tokens were made by another tokenizer than the model's
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}
                                                    ^
          at `nodes.sft.data`
          why: node `sft` takes `data` from `tokens.train`; they are `gpt2` tokens and the model's are `smol`
          try: Tokenize with the model's tokenizer
          see: sft.yaml:6:3: node `tokens` is here
        """)
  }

  @Test func unknownOutputNode() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}
      outputs: [stf]

      """
    #expect(
      messages(text) == """
        sft.yaml:8:11: error: Unknown node `stf`
            outputs: [stf]
                      ^
          at `outputs[0]`
          try: `sft`
        """)
  }

  @Test func unknownOutputPort() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}
      outputs: [sft.metrics]

      """
    #expect(
      messages(text) == """
        sft.yaml:8:11: error: Node `sft` has no output `metrics`
            outputs: [sft.metrics]
                      ^
          at `outputs[0]`
          try: Its outputs are [`model`]
        """)
  }

  @Test func emptyOutputs() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}
      outputs: []

      """
    #expect(
      messages(text) == """
        sft.yaml:8:10: error: `outputs` is empty
            outputs: []
                     ^
          at `outputs`
          try: Name the nodes whose results are wanted, or leave `outputs` out
        """)
  }

  @Test func outputsAreAMap() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}
      outputs: {a: b}

      """
    #expect(
      messages(text) == """
        sft.yaml:8:10: error: `outputs` is a map
            outputs: {a: b}
                     ^
          at `outputs`
          why: a list of nodes is wanted
        """)
  }

  @Test func unusedNode() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4}
        other: {type: load_dataset, from: more.jsonl}
      outputs: [sft]

      """
    #expect(
      messages(text) == """
        sft.yaml:8:3: warning: Node `other` is not run
              other: {type: load_dataset, from: more.jsonl}
              ^
          at `nodes.other`
          why: nothing in `outputs` needs it
          try: Add it to `outputs`, or remove it
        """)
  }

  @Test func nodeWithoutOutputs() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        tell: {type: notify, model: base}
        again: {type: notify, model: tell}

      """
    #expect(
      messages(text) == """
        sft.yaml:5:32: error: Node `tell` gives nothing
              again: {type: notify, model: tell}
                                           ^
          at `nodes.again.model`
          why: node type `notify` has no outputs
        """)
  }

  @Test func severalProblems() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: rose.jsonl, formt: auto}
        chat: {type: apply_template, dataset: rows, template: }
        tokens: {type: tokenise, conversations: chat}
        sft: {type: train, model: bas, data: tokens.train, learning_rate: fast}
      outputs: [sft]

      """
    #expect(
      messages(text) == """
        sft.yaml:3:48: error: Unknown field `formt`
              rows: {type: load_dataset, from: rose.jsonl, formt: auto}
                                                           ^
          at `nodes.rows.formt`
          why: node `rows` is of type `load_dataset`, which has no such field or input
          try: `format`
        sft.yaml:4:57: error: `template` has no value
              chat: {type: apply_template, dataset: rows, template: }
                                                                    ^
          at `nodes.chat.template`
          why: text is wanted
        sft.yaml:5:18: error: Unknown node type `tokenise`
              tokens: {type: tokenise, conversations: chat}
                             ^
          at `nodes.tokens.type`
          try: `tokenize`
        sft.yaml:6:29: error: Unknown node `bas`
              sft: {type: train, model: bas, data: tokens.train, learning_rate: fast}
                                        ^
          at `nodes.sft.model`
          try: Nodes are [`rows`, `chat`, `tokens`]
        sft.yaml:6:69: error: `fast` is not a number
              sft: {type: train, model: bas, data: tokens.train, learning_rate: fast}
                                                                                ^
          at `nodes.sft.learning_rate`
        """)
  }
}
