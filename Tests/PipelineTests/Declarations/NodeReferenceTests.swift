import Pipeline
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
