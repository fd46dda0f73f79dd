import Testing

/// What is said about values that a field does not take.
struct ScalarProblemsTests {
  @Test func norwayBool() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, shuffle: no}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:85: error: `no` is not a truth value
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, shuffle: no}
                                                                                                ^
          at `nodes.sft.shuffle`
          try: Write `true` or `false`
        """)
  }

  @Test func wrongBool() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, shuffle: maybe}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:85: error: `maybe` is not a truth value
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, shuffle: maybe}
                                                                                                ^
          at `nodes.sft.shuffle`
          try: Write `true` or `false`
        """)
  }

  @Test func quotedBool() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, shuffle: "true"}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:85: error: `true` is text
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, shuffle: "true"}
                                                                                                ^
          at `nodes.sft.shuffle`
          why: it is in quotes, and `true` or `false` is wanted here
          try: Remove the quotes
        """)
  }

  @Test func oneAsBool() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, shuffle: 1}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:85: error: `1` is not a truth value
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, shuffle: 1}
                                                                                                ^
          at `nodes.sft.shuffle`
          try: Write `true` or `false`
        """)
  }

  @Test func textForInteger() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: many}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `many` is not a whole number
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: many}
                                                                                             ^
          at `nodes.sft.rank`
        """)
  }

  @Test func fractionForInteger() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 1.5}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `1.5` is not a whole number
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 1.5}
                                                                                             ^
          at `nodes.sft.rank`
        """)
  }

  @Test func quotedInteger() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: "8"}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `8` is text
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: "8"}
                                                                                             ^
          at `nodes.sft.rank`
          why: it is in quotes, and a whole number is wanted here
          try: Remove the quotes
        """)
  }

  @Test func leadingZero() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 0123}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `0123` has a leading zero
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 0123}
                                                                                             ^
          at `nodes.sft.rank`
          why: some tools read such numbers as octal
          try: `123`
        """)
  }

  @Test func separators() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 1_000}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `1_000` is not a number
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 1_000}
                                                                                             ^
          at `nodes.sft.rank`
          why: digits have no separators in YAML 1.2
          try: `1000`
        """)
  }

  @Test func outOfRange() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 0}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `0` is out of range
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 0}
                                                                                             ^
          at `nodes.sft.rank`
          why: it must be at least 1 and at most 4096
        """)
  }

  @Test func integerTooLarge() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 99999999999999999999}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `99999999999999999999` is too large a number
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: 99999999999999999999}
                                                                                             ^
          at `nodes.sft.rank`
        """)
  }

  @Test func notANumber() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, beta: .nan}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `.nan` is not a number
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, beta: .nan}
                                                                                             ^
          at `nodes.sft.beta`
          why: infinities and NaN are refused
        """)
  }

  @Test func infinite() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, beta: -.inf}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `-.inf` is not a number
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, beta: -.inf}
                                                                                             ^
          at `nodes.sft.beta`
          why: infinities and NaN are refused
        """)
  }

  @Test func overflow() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, beta: 1e999}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `1e999` is too large a number
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, beta: 1e999}
                                                                                             ^
          at `nodes.sft.beta`
        """)
  }

  @Test func negativeNumber() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, beta: -1}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `-1` is out of range
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, beta: -1}
                                                                                             ^
          at `nodes.sft.beta`
          why: it must be at least 0
        """)
  }

  @Test func nullForInteger() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: null}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: `rank` has no value
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: null}
                                                                                             ^
          at `nodes.sft.rank`
          why: a whole number is wanted
        """)
  }

  @Test func emptyValue() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank:}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:80: error: A `:` needs a blank after it
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank:}
                                                                                           ^
          why: the value stands after the blank
          try: `name: value`
          see: sft.yaml:7:76: the text starts here
        """)
  }

  @Test func listForInteger() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: [8]}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:82: error: A list stands here
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, rank: [8]}
                                                                                             ^
          at `nodes.sft.rank`
          why: a whole number is wanted
        """)
  }

  @Test func mapForList() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, targets: {a: b}}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:85: error: A map stands here
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, targets: {a: b}}
                                                                                                ^
          at `nodes.sft.targets`
          why: a list is wanted
          try: `[first, second]`
        """)
  }

  @Test func scalarForGroup() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, schedule: cosine}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:86: error: `cosine` stands here
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, schedule: cosine}
                                                                                                 ^
          at `nodes.sft.schedule`
          why: a map is wanted, with fields from [`type`, `warmup_ratio`]
        """)
  }

  @Test func unknownChoice() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, schedule: {type: cosin}}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:93: error: `cosin` is not one of [`constant`, `linear`, `cosine`]
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, schedule: {type: cosin}}
                                                                                                        ^
          at `nodes.sft.schedule.type`
          try: `cosine`
        """)
  }

  @Test func unknownChoiceFar() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, schedule: {type: staircase}}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:93: error: `staircase` is not one of [`constant`, `linear`, `cosine`]
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, schedule: {type: staircase}}
                                                                                                        ^
          at `nodes.sft.schedule.type`
        """)
  }

  @Test func rangeInGroup() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, schedule: {warmup_ratio: 1.5}}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:101: error: `1.5` is out of range
            okens.train, learning_rate: 1e-4, schedule: {warmup_ratio: 1.5}}
                                                                       ^
          at `nodes.sft.schedule.warmup_ratio`
          why: it must be at least 0 and at most 1
        """)
  }

  @Test func unknownGroupField() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, schedule: {typ: cosine}}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:87: error: Unknown field `typ`
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, schedule: {typ: cosine}}
                                                                                                  ^
          at `nodes.sft.schedule.typ`
          try: `type`
        """)
  }

  @Test func badTimeout() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, timeout: soon}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:85: error: `soon` is not a time
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, timeout: soon}
                                                                                                ^
          at `nodes.sft.timeout`
          try: Seconds such as `90`, or `90s`, `15m`, `2h`, `1d`
        """)
  }

  @Test func badMemory() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, memory: 8 elephants}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:84: error: `8 elephants` is not an amount of memory
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, memory: 8 elephants}
                                                                                               ^
          at `nodes.sft.memory`
          try: `512MB`, `8GB` or `8GiB`
        """)
  }

  @Test func badRetries() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, retries: -1}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:85: error: `-1` is out of range
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, retries: -1}
                                                                                                ^
          at `nodes.sft.retries`
          why: it must be at least 0 and at most 100
        """)
  }

  @Test func badListItem() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, targets: [a, [b]]}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:89: error: A list stands here
              sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4, targets: [a, [b]]}
                                                                                                    ^
          at `nodes.sft.targets[1]`
          why: text is wanted
        """)
  }

  @Test func aboveZero() {
    let text = """
      pipeline: sft
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 0}

      """
    #expect(
      messages(text) == """
        sft.yaml:7:70: error: `0` is out of range
              sft: {type: train, model: base, data: tokens.train, learning_rate: 0}
                                                                                 ^
          at `nodes.sft.learning_rate`
          why: it must be above 0
        """)
  }
}
