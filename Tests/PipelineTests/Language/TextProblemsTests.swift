import Testing

/// What is said about a text that is no YAML, or more YAML than a pipeline file may hold.
struct TextProblemsTests {
  @Test func emptyFile() {
    let text = """

      """
    #expect(
      messages(text) == """
        sft.yaml: error: The file holds no pipeline
          why: it is empty or has only comments
          try: Start with `pipeline: NAME` and `nodes:`
        """)
  }

  @Test func onlyComments() {
    let text = """
      # nothing

      """
    #expect(
      messages(text) == """
        sft.yaml: error: The file holds no pipeline
          why: it is empty or has only comments
          try: Start with `pipeline: NAME` and `nodes:`
        """)
  }

  @Test func listAtTop() {
    let text = """
      - a

      """
    #expect(
      messages(text) == """
        sft.yaml:1:1: error: A list stands where the pipeline's map is wanted
            - a
            ^
          try: Start with `pipeline: NAME` and `nodes:`
        """)
  }

  @Test func scalarAtTop() {
    let text = """
      hello

      """
    #expect(
      messages(text) == """
        sft.yaml:1:1: error: `hello` stands where the pipeline's map is wanted
            hello
            ^
          try: Start with `pipeline: NAME` and `nodes:`
        """)
  }

  @Test func tabIndent() {
    let text = """
      pipeline: sft
      nodes:
      	base: {}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:1: error: The line is indented with a tab
            	base: {}
            ^
          why: YAML allows only spaces
          try: Use spaces
        """)
  }

  @Test func openBrace() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model

      """
    #expect(
      messages(text) == """
        sft.yaml:3:9: error: A `,` or `}` is missing
              base: {type: load_model
                    ^
          why: a `{` is still open
          try: Close it, or put the text in quotes
        """)
  }

  @Test func openBracket() {
    let text = """
      pipeline: sft
      nodes:
        a: {type: train}
      outputs: [a

      """
    #expect(
      messages(text) == """
        sft.yaml:4:10: error: A `,` or `]` is missing
            outputs: [a
                     ^
          why: a `[` is still open
          try: Close it, or put the text in quotes
        """)
  }

  @Test func openQuote() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: "load_model}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:16: error: A quote is never closed
              base: {type: "load_model}
                           ^
          try: Add the closing quote
        """)
  }

  @Test func colonInText() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: a}
        b: c: d

      """
    #expect(
      messages(text) == """
        sft.yaml:4:7: error: A `:` stands where no field can start
              b: c: d
                  ^
          why: the line before ends a value, or the text itself holds a colon and a space
          try: Check the indentation and the blank after each `:`, or put the text in quotes
        """)
  }

  @Test func badIndent() {
    let text = """
      pipeline: sft
      nodes:
        base:
          type: load_model
         from: x

      """
    #expect(
      messages(text) == """
        sft.yaml:5:4: error: No field starts here
               from: x
               ^
          why: the line does not continue the map around it
          try: Check the indentation, and quotes on the lines before
          see: sft.yaml:3:3: the map starts here
        """)
  }

  @Test func noColon() {
    let text = """
      pipeline: sft
      nodes:
        base
        rows: {type: load_dataset}

      """
    #expect(
      messages(text) == """
        sft.yaml:4:7: error: A `:` stands where no field can start
              rows: {type: load_dataset}
                  ^
          why: the line before ends a value, or the text itself holds a colon and a space
          try: Check the indentation and the blank after each `:`, or put the text in quotes
        """)
  }

  @Test func badStart() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: @rows}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:36: error: A value cannot start with this character
              rows: {type: load_dataset, from: @rows}
                                               ^
          why: it has a meaning of its own in YAML
          try: Put the text in quotes
        """)
  }

  @Test func missingValue() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: rows.jsonl}
      outputs: [

      """
    #expect(
      messages(text) == """
        sft.yaml:5:1: error: A value is missing
          why: the text goes on with something that cannot be one
          try: Write the value, or put the text in quotes
        """)
  }

  @Test func badEscape() {
    let text = """
      pipeline: sft
      nodes:
        rows: {type: load_dataset, from: "a\\d"}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:38: error: The text in double quotes has an unknown escape
              rows: {type: load_dataset, from: "a\\d"}
                                                 ^
          try: Write `\\\\` for a backslash, or use single quotes
          see: sft.yaml:3:36: the quote starts here
        """)
  }

  @Test func severalDocuments() {
    let text = """
      pipeline: sft
      ---
      pipeline: other

      """
    #expect(
      messages(text) == """
        sft.yaml:2:1: error: A second document starts here
            ---
            ^
          why: a file holds one pipeline
          try: Remove the `---`, or use two files
        """)
  }

  @Test func unknownTag() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: !python/name load_model, from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:16: error: Tag `!python/name` is not known here
              base: {type: !python/name load_model, from: weights.gguf}
                           ^
          at `nodes.base.type`
          why: the declared type of the field decides how a value is read
          try: Remove the tag
        """)
  }

  @Test func unknownAlias() {
    let text = """
      pipeline: sft
      nodes:
        base: &base {type: load_model, from: weights.gguf}
        other: *bas

      """
    #expect(
      messages(text) == """
        sft.yaml:4:10: error: Alias `*bas` has no anchor `&bas` before it
              other: *bas
                     ^
          at `nodes.other`
          try: `*base`
        """)
  }

  @Test func selfAlias() {
    let text = """
      pipeline: sft
      nodes:
        base: &a {type: *a}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:19: error: Alias `*a` stands inside its own anchor
              base: &a {type: *a}
                              ^
          at `nodes.base.type`
          why: it would contain itself without end
        """)
  }

  @Test func listAsKey() {
    let text = """
      pipeline: sft
      nodes:
        [a, b]: {type: load_model}

      """
    #expect(
      messages(text) == """
        sft.yaml:3:3: error: A key is a list or a map
              [a, b]: {type: load_model}
              ^
          at `nodes`
          why: keys are names
        """)
  }

  @Test func mergeKey() {
    let text = """
      pipeline: sft
      nodes:
        base: &b {type: load_model, from: weights.gguf}
        other: {<<: *b}

      """
    #expect(
      messages(text) == """
        sft.yaml:4:11: error: Merge keys (`<<`) are not allowed
              other: {<<: *b}
                      ^
          at `nodes.other`
          why: what overrides what would depend on the reader
          try: Write the fields out, or use params for the values they share
        """)
  }

  @Test func duplicateKey() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 8, epochs: 2, rank: 9}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:96: error: Key `rank` stands here twice
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 8, epochs: 2, rank: 9}
                                                                                                           ^
          at `nodes.sft.rank`
          try: Keep one of them
          see: sft.yaml:7:76: the first `rank` is here
        """)
  }

  @Test func duplicateNode() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        base: {type: load_model, from: weights.gguf}

      """
    #expect(
      messages(text) == """
        sft.yaml:4:3: error: Key `base` stands here twice
              base: {type: load_model, from: weights.gguf}
              ^
          at `nodes.base`
          try: Keep one of them
          see: sft.yaml:3:3: the first `base` is here
        """)
  }
}
