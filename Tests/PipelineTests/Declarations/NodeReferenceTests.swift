import Pipeline
import PreciseJSON
import Testing

/// What people read about node types.
struct NodeReferenceTests {
  private let reference = NodeReference(toyRegistry)

  @Test func listing() {
    #expect(
      reference.listing == """
        load_dataset    Reads rows
        mix             Mixes rows
        apply_template  Makes conversations
        tokenize        Makes tokens
        load_model      Refers to a model
        train           Trains a model
        notify          Tells somebody
        """)
  }

  @Test func description() throws {
    let tokenize = try #require(toyRegistry["tokenize"])
    #expect(
      reference.description(of: tokenize) == """
        tokenize: Makes tokens

        Inputs
          conversations  conversations  The texts

        Outputs
          train       tokens  Tokens to train on
          validation  tokens  Tokens held back

        Fields
          max_length  whole number, at least 1 and at most 1048576  1024   Longest sequence kept (tokens)
          packing     true or false                                 false  Whether samples share a row
          validation  number, at least 0 and below 1                0      Share of rows kept for validation
          tokenizer   text                                          smol   The tokenizer

        Settings of every node
          timeout  time (90, 15m, 2h)                        none  Longest time the node may take before it counts as failed
          retries  whole number, at least 0 and at most 100  0     How often a failed node is tried again
          memory   memory (512MB, 8GB)                       none  Memory set aside for the node when nodes run side by side
        """)
  }

  @Test func page() {
    #expect(reference.page.contains("| `schedule.warmup_ratio` | number, at least 0 and at most 1 | `0` | result |"))
    #expect(reference.page.contains("| `reference` | `model`, optional | The model to stay near |"))
    #expect(reference.page.contains("| `learning_rate` | number, above 0 | required | result | Size of a step |"))
    #expect(reference.page.contains("| `threads` | whole number, at least 1 | none | speed | Threads to use |"))
  }
}

/// What people read about fields that hang on choices.
struct ChoiceReferenceTests {
  private let reference = NodeReference(choiceRegistry)

  @Test func description() throws {
    let tune = try #require(choiceRegistry["tune"])
    #expect(
      reference.description(of: tune) == """
        tune: Tunes a model

        Inputs
          model      model                              The model
          reference  model, with stage: dpo             What it stays near
          reference  model, optional, with stage: cdpo  What it may stay near

        Outputs
          model  model  The tuned model

        Fields
          stage           one of sft, dpo, cdpo, simpo  sft    What is learned
          from            text                          none   What is continued
          optimizer       map                                  How it moves
          optimizer.type  one of adamw, lion, sgd       adamw  Which

        Fields without from
          rank  whole number, at least 1  8  Size

        Fields with stage: dpo or cdpo
          beta    number, above 0        0.1       Strength
          loss    one of sigmoid, hinge  sigmoid   Shape
          margin  number, at least 0     required  with `loss: hinge`: Distance wanted

        Fields with stage: simpo
          beta   number, at least 1  2    Scale (nats)
          gamma  number              0.5  Margin

        Fields with optimizer.type: adamw
          optimizer.betas  list of: number, at least 0 and below 1  [0.9, 0.999]  Decay rates

        Fields with optimizer.type: lion
          optimizer.betas  list of: number, at least 0 and below 1  [0.9, 0.99]  Lion's decay rates

        Fields with optimizer.type: sgd
          optimizer.momentum   number         0      Of the last change
          optimizer.nesterov   true or false  false  Looks ahead
          optimizer.dampening  number         none   with `nesterov: false`: Of the gradient

        Settings of every node
          timeout  time (90, 15m, 2h)                        none  Longest time the node may take before it counts as failed
          retries  whole number, at least 0 and at most 100  0     How often a failed node is tried again
          memory   memory (512MB, 8GB)                       none  Memory set aside for the node when nodes run side by side
        """)
  }

  @Test func page() {
    for text in [
      "| `reference` | `model`, optional, with `stage: cdpo` | What it may stay near |",
      """

      With `stage: dpo` or `cdpo`:

      | field | type | default | decides | |
      |---|---|---|---|---|
      | `beta` | number, above 0 | `0.1` | result | Strength |
      | `loss` | one of `sigmoid`, `hinge` | `sigmoid` | result | Shape |
      | `margin` | number, at least 0 | required | result | with `loss: hinge`: Distance wanted |

      With `stage: simpo`:

      """,
    ] {
      #expect(reference.page.contains(text))
    }
  }

  @Test func forMachines() {
    let fields = reference.json.array?[1]["fields"]?.array ?? []
    let conditions = fields.compactMap { field in field["when"].map { "\(field["name"]?.string ?? ""): \($0.text())" } }
    #expect(
      conditions == [
        #"rank: [{"field":"from","given":false}]"#, #"beta: [{"field":"stage","values":["dpo","cdpo"]}]"#,
        #"loss: [{"field":"stage","values":["dpo","cdpo"]}]"#,
        #"margin: [{"field":"stage","values":["dpo","cdpo"]},{"field":"loss","values":["hinge"]}]"#,
        #"beta: [{"field":"stage","values":["simpo"]}]"#, #"gamma: [{"field":"stage","values":["simpo"]}]"#,
      ])
  }
}
