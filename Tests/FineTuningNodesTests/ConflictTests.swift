import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import TestKit
import Testing

/// Nodes that do not fit together are found before anything runs, in these words.
struct ConflictTests {
  private let workspace: TinyWorkspace

  init() throws { workspace = try TinyWorkspace() }

  private static let head = """
    pipeline: p
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      other: {type: load_tokenizer, from: DIR/other}
      base: {type: load_model, from: DIR/tiny}
      bare: {type: load_model, from: DIR/bare}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      pairs: {type: load_dataset, from: DIR/pairs.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      pair_chat: {type: apply_template, dataset: pairs, tokenizer: tokenizer}
      other_chat: {type: apply_template, dataset: rows, tokenizer: other}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 64, validation: 0.2}
      lora: {type: attach_adapter, model: base}

    """

  /// What is wrong with a pipeline of the nodes above and these.
  private func problems(_ lines: String) throws -> String {
    try write()
    do {
      _ = try workspace.pipeline(Self.head + lines.split(separator: "\n").map { "  \($0)\n" }.joined())
      return ""
    } catch let error as any DiagnosticError {
      return error.diagnostics.filter { $0.severity == .error }.map { problem in
        [problem.path ?? "", problem.summary, problem.reason ?? "", problem.advice ?? ""].joined(separator: " | ")
      }.joined(separator: "\n")
    }
  }

  /// A tokenizer with one token more, a model without a tokenizer, and pairs.
  private func write() throws {
    let files = FileManager.default
    for name in ["other", "bare"] {
      try files.copyItem(atPath: workspace.folder.path("tiny"), toPath: workspace.folder.path(name))
    }
    let path = workspace.folder.path("other/tokenizer.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let token = #"{"id":320,"content":"<|extra|>","single_word":false,"lstrip":false,"rstrip":false,"#
    let more = text.replacing(
      #""added_tokens": ["#, with: #""added_tokens": [\#(token)"normalized":false,"special":true},"#)
    #expect(more != text)
    try more.write(toFile: path, atomically: true, encoding: .utf8)
    for file in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
      try files.removeItem(atPath: workspace.folder.path("bare/" + file))
    }
    try workspace.folder.write(#"{"prompt":"a","chosen":"b","rejected":"c"}"# + "\n", to: "pairs.jsonl")
  }

  private func expect(_ lines: String, _ words: String, at place: SourceLocation = #_sourceLocation) throws {
    let found = try problems(lines)
    #expect(found == words, sourceLocation: place)
  }

  @Test func nothingIsWrongWithWhatFits() throws {
    try expect(
      "tuned: {type: train, model: lora, data: tokens.train}",
      "")
  }

  @Test func weightsThatAreHeldRoundedAreNotTrained() throws {
    try expect(
      """
      held: {type: load_model, from: DIR/tiny, weights: nf4}
      held_lora: {type: attach_adapter, model: held}
      fits: {type: train, model: held_lora, data: tokens.train}
      tuned: {type: train, model: held, data: tokens.train}
      """,
      "nodes.tuned.model | All weights are to be trained, but `load_model` holds them by `weights: nf4` | "
        + "node `tuned` takes `model` from `held`; weights in such forms are frozen | put a node of type `attach_adapter` between, or leave `weights` out"
    )
  }

  @Test func columnsWithoutUse() throws {
    try expect(
      """
      a: {type: load_dataset, from: DIR/pairs.jsonl, columns: {label: good, output: o}}
      b: {type: load_dataset, from: DIR/rows.jsonl, format: text, columns: {text: t, history: h}, ignore_columns: [t]}
      """,
      """
      nodes.a.columns.label | Format `preference` has no use for a column named as `label` |  |\u{20}
      nodes.a.columns.output | Format `preference` has no use for a column named as `output` |  |\u{20}
      nodes.b.columns.history | Format `text` has no use for a column named as `history` |  |\u{20}
      nodes.b.ignore_columns | Column `t` is mapped and ignored at once |  | take it out of one of the two
      """)
  }

  @Test func columnsThatTravelWithoutUse() throws {
    try workspace.folder.write(#"{"prompt":"a","answer":"b"}"# + "\n", to: "asked.jsonl")
    try expect(
      """
      a: {type: load_dataset, from: DIR/pairs.jsonl, keep_columns: [source]}
      b: {type: load_dataset, from: DIR/asked.jsonl, keep_columns: [answer]}
      c: {type: load_dataset, from: DIR/asked.jsonl, format: prompt, keep_columns: [answer], ignore_columns: [answer]}
      """,
      """
      nodes.a.keep_columns | `keep_columns` has no effect on rows of kind `preference` | \
      columns travel with prompts, for the reward functions that judge what the model answers | \
      take the line out, or say `format: prompt`
      nodes.c.keep_columns | Column `answer` is kept and ignored at once |  | take it out of one of the two
      """)
  }

  @Test(arguments: ["pairs", "judged", "asked"]) func rowsThatAreNeverPacked(file: String) throws {
    let rows = [
      "pairs": #"{"prompt":"a","chosen":"b","rejected":"c"}"#,
      "judged": #"{"prompt":"a","completion":"b","label":true}"#,
      "asked": #"{"prompt":"a"}"#,
    ]
    let kind = ["pairs": "preference", "judged": "judged", "asked": "prompt"][file] ?? ""
    try workspace.folder.write((rows[file] ?? "") + "\n", to: "\(file).jsonl")
    try expect(
      """
      a: {type: load_dataset, from: DIR/\(file).jsonl}
      b: {type: apply_template, dataset: a, tokenizer: tokenizer}
      c: {type: tokenize, conversations: b, tokenizer: tokenizer, packing: true}
      """,
      """
      nodes.c.packing | `packing` has no effect on rows of kind `\(kind)` | \
      pairs, judged answers and prompts stay rows of their own | take the line out
      """)
  }

  @Test func tokensOfAnotherTokenizer() throws {
    try expect(
      """
      theirs: {type: tokenize, conversations: other_chat, tokenizer: other, max_length: 64}
      tuned: {type: train, model: lora, data: theirs.train}
      """,
      """
      nodes.tuned.data | \
      The tokens were made by another tokenizer than the model's | \
      node `tuned` takes `data` from `theirs.train`; theirs is 899e9c0dffcf, the model's is 3c580c0f00ee | load the tokenizer from the model's own folder
      """)
  }

  @Test func rowsRenderedForAnotherTokenizer() throws {
    try expect(
      "mixed: {type: tokenize, conversations: other_chat, tokenizer: tokenizer, max_length: 64}",
      """
      nodes.mixed.tokenizer | \
      The rows were rendered for another tokenizer | \
      node `mixed` takes `tokenizer` from `tokenizer`; theirs is 899e9c0dffcf, this one is 3c580c0f00ee | name the same tokenizer in both nodes
      """)
  }

  @Test func anotherTokenizerThanTheModelsBesideIt() throws {
    try expect(
      "answers: {type: predict, model: base, tokenizer: other, prompts: [a]}",
      """
      nodes.answers.tokenizer | \
      The tokenizer is another than the model's | \
      node `answers` takes `tokenizer` from `other`; the model's is 3c580c0f00ee, this is 899e9c0dffcf | load the tokenizer from the model's own folder
      """)
  }

  @Test func aVocabularyLargerThanTheModels() throws {
    try expect(
      """
      theirs: {type: tokenize, conversations: other_chat, tokenizer: other, max_length: 64}
      tuned: {type: train, model: bare, data: theirs.train}
      """,
      """
      nodes.tuned.data | \
      The tokenizer has more tokens than the model | \
      node `tuned` takes `data` from `theirs.train`; the tokens come from a vocabulary of 321, the model has 320 | load the tokenizer from the model's own folder
      """)
  }

  @Test func rowsLongerThanTheModelAllows() throws {
    try expect(
      """
      long: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 513}
      tuned: {type: train, model: lora, data: long.train}
      """,
      """
      nodes.tuned.data | \
      Rows may be longer than the model allows | \
      node `tuned` takes `data` from `long.train`; `max_length` is 513, the model was made for 512 tokens | lower `max_length` to 512
      """)
  }

  @Test func pairsWhereTextsAreWanted() throws {
    try expect(
      """
      pair_tokens: {type: tokenize, conversations: pair_chat, tokenizer: tokenizer, max_length: 64}
      tuned: {type: train, model: lora, data: pair_tokens.train}
      """,
      """
      nodes.tuned.data | \
      Preference pairs stand where single texts are wanted | \
      node `tuned` takes `data` from `pair_tokens.train` | connect tokens made from conversations or texts, \
      or say `stage: dpo`, `stage: orpo`, `stage: cpo`, `stage: simpo`, `stage: rm`
      """)
  }

  @Test func validationThatIsEmpty() throws {
    try expect(
      """
      whole: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 64}
      quality: {type: evaluate, model: base, data: whole.validation}
      """,
      """
      nodes.quality.data | \
      No rows are held out | \
      node `quality` takes `data` from `whole.validation`; `validation` of the node that makes them is 0 | set `validation:` there, such as 0.05
      """)
  }

  @Test func anAdapterOnAnAdapter() throws {
    try expect(
      "twice: {type: attach_adapter, model: lora}",
      """
      nodes.twice.model | \
      The model has an adapter already | \
      node `twice` takes `model` from `lora` | merge it first, or attach to its base
      """)
  }

  @Test func mergingWithoutAnAdapter() throws {
    try expect(
      "merged: {type: merge, model: base}",
      """
      nodes.merged.model | \
      The model has no adapter to merge | \
      node `merged` takes `model` from `base` | leave the node out
      """)
  }

  @Test func fieldsBesideAGivenAdapter() throws {
    try expect(
      "given: {type: attach_adapter, model: base, from: DIR/adapter, rank: 4}",
      """
      nodes.given.rank | `rank` has no effect beside `from` | the adapter's own configuration holds | Remove one of the two
      """)
  }

  /// A default that is written out is given.
  @Test func defaultsThatAreWrittenWhereTheyHaveNoEffect() throws {
    try expect(
      """
      given: {type: attach_adapter, model: base, from: DIR/adapter, seed: 42}
      tuned: {type: train, stage: sft, model: lora, data: tokens.train, beta: 0.1, reference: base}
      quality: {type: evaluate, model: base, data: tokens.train, beta: 0.1}
      """,
      """
      nodes.given.seed | `seed` has no effect beside `from` | the adapter's own configuration holds | Remove one of the two
      nodes.tuned.beta | \
      `beta` has no effect with `stage: sft` | it has one with `stage: dpo`, `orpo`, `cpo`, `simpo`, `kto`, `bco`, `grpo` or `rloo` | Remove it
      nodes.tuned.reference | \
      `reference` has no effect with `loss: cross_entropy`, which holds unless given | it has one with `stage: sft` and with `loss: asft`, or with `stage: dpo`, `kto`, `bco`, `grpo`, `rloo` or `ppo` | Remove it
      nodes.quality.beta | \
      `beta` has no effect on rows that are not preference pairs | \
      the rows are of kind conversation | leave it out, or connect pairs
      """)
  }

  @Test func schedulesAndOptimizersThatDoNotFit() throws {
    try expect(
      """
      a: {type: train, model: lora, data: tokens.train, schedule: {type: reduce_lr_on_plateau}}
      b: {type: train, model: lora, data: tokens.train, optimizer: {type: adamw_schedule_free}}
      c: {type: train, model: lora, data: tokens.train, optimizer: {type: sgd, nesterov: true}}
      d: {type: train, model: lora, data: tokens.train, optimizer: {type: lion, momentum: 0.9}}
      e: {type: train, model: lora, data: tokens.train, schedule: {type: one_cycle, warmup_steps: 3}}
      f: {type: train, model: lora, data: tokens.train, schedule: {type: constant}, optimizer: {type: adamw_schedule_free}}
      """,
      """
      nodes.a.schedule | \
      `reduce_lr_on_plateau` goes by the loss on held-out rows, which is not measured | \
       | say how often with `evaluate_every`
      nodes.b.optimizer | \
      `adamw_schedule_free` takes the place of a schedule | \
      the rate would fall along a cosine beside it | say `schedule: {type: constant}`
      nodes.c.optimizer | `nesterov` wants a `momentum` above 0 and no `dampening` |  | \

      nodes.d.optimizer.momentum | \
      `momentum` has no effect with `type: lion` | it has one with `type: sgd` or `muon` | Remove it
      nodes.e.schedule.warmup_steps | \
      `warmup_steps` has no effect with `type: one_cycle` | \
      it has one with `type: constant`, `linear`, `cosine`, `cosine_with_restarts`, `polynomial`, `inverse_sqrt`, \
      `warmup_stable_decay`, `rex` or `reduce_lr_on_plateau` | Remove it
      """)
  }

  @Test func targetsThatAreNone() throws {
    try expect(
      "typo: {type: attach_adapter, model: base, targets: [q_prj]}",
      """
      nodes.typo.targets | No linear map is named `q_prj` |  | Did you mean `q_proj`?
      """)
  }

  @Test func lengthsOfTrainingThatContradict() throws {
    try expect(
      """
      tuned:
        type: train
        model: lora
        data: tokens.train
        epochs: 1
        max_steps: 3
        evaluate_every: 2
        schedule: {warmup_ratio: 0.1, warmup_steps: 3}
        optimizer: {betas: [0.9]}
      """,
      """
      nodes.tuned.max_steps | \
      `epochs` and `max_steps` both say how long to train | \
       | keep one of them
      nodes.tuned.evaluate_every | \
      `evaluate_every` is given, but no rows to evaluate on | \
       | connect `validation:`, for instance to the tokens' `validation` output
      nodes.tuned.schedule | \
      `warmup_ratio` and `warmup_steps` both say how long to warm up | \
       | keep one of them
      nodes.tuned.optimizer | \
      `betas` has 1 numbers | \
      `adamw` has 2 | write 2 numbers
      """)
  }

  @Test func anExportWithoutFormats() throws {
    try expect(
      "folder: {type: export, model: base, tokenizer: tokenizer, formats: []}",
      """
      nodes.folder.formats | \
      No format is named: nothing would be written | \
      `formats` is an empty list | `formats: [safetensors]`
      """)
  }

  @Test func promptsThatAreMissing() throws {
    try expect(
      "answers: {type: predict, model: base, tokenizer: tokenizer}",
      """
      nodes.answers.prompts | There are no prompts to answer |  | list at least one, or connect rows with `data`
      """)
  }

  @Test func aTokenizerWithoutATemplate() throws {
    try FileManager.default.createDirectory(
      atPath: workspace.folder.path("plain"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: fixture("Command/tiny/tokenizer.json"), toPath: workspace.folder.path("plain/tokenizer.json"))
    try expect(
      """
      plain: {type: load_tokenizer, from: DIR/plain}
      plain_chat: {type: apply_template, dataset: rows, tokenizer: plain}
      """,
      """
      nodes.plain_chat.tokenizer | \
      The tokenizer has no chat template | \
      node `plain_chat` takes `tokenizer` from `plain`; nothing says how a conversation becomes a text | \
      put a `chat_template.jinja` beside the tokenizer's files, or name a Jinja file where a `template` can be named
      """)
  }

  /// The tokenizer of the model under the name `plain`, with these files in place of its chat template.
  private func plain(_ files: [(name: String, text: String)]) throws {
    let folder = workspace.folder.path("plain")
    try FileManager.default.createDirectory(
      atPath: folder + "/additional_chat_templates", withIntermediateDirectories: true)
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try FileManager.default.copyItem(atPath: fixture("Command/tiny/" + name), toPath: folder + "/" + name)
    }
    for file in files { try workspace.folder.write(file.text, to: "plain/" + file.name) }
  }

  private static let plainUsers = """
    plain: {type: load_tokenizer, from: DIR/plain}
    plain_chat: {type: apply_template, dataset: rows, tokenizer: plain}
    said: {type: predict, model: base, tokenizer: plain, prompts: [hello]}
    """

  @Test(arguments: [
    (
      [("chat_template.jinja", "{{ messages }}"), ("additional_chat_templates/tool_use.jinja", "a\n{% if %}")],
      "chat template tool_use, line 2, column 7: Invalid chat template: expected an expression, found `%}`"
    ),
    (
      [("chat_template.jinja", "{{ messages|nofilter }}")],
      "chat template, line 1, column 13: There is no filter `nofilter`"
    ),
  ]) func aTemplateThatCannotBeUsed(files: [(String, String)], reason: String) throws {
    try plain(files.map { (name: $0.0, text: $0.1) })
    let rest = "\(reason) | mend that file, or name a Jinja file where a `template` can be named"
    try expect(
      Self.plainUsers,
      ["plain_chat", "said"].map {
        "nodes.\($0).tokenizer | A chat template of the tokenizer cannot be used | node `\($0)` takes `tokenizer` from "
          + "`plain`; " + rest
      }.joined(separator: "\n"))
  }

  @Test func aPredictionWithoutTheTemplateNamedDefault() throws {
    try plain([(name: "additional_chat_templates/tool_use.jinja", text: "{{ messages }}")])
    let words =
      "None of the tokenizer's chat templates is named `default` | node `said` takes `PORT` from `NODE`; there are "
      + "[`tool_use`], and the conversation names none of them | put a `chat_template.jinja` beside the tokenizer's files, "
      + "or name a Jinja file where a `template` can be named"
    let trained = """

      plain_tokens: {type: tokenize, conversations: plain_chat, tokenizer: plain, max_length: 64}
      tuned: {type: train, model: lora, data: plain_tokens.train}
      again: {type: predict, model: tuned, tokenizer: tokenizer, prompts: [hello]}
      """
    try expect(
      Self.plainUsers + trained,
      "nodes.said.tokenizer | " + words.replacing("PORT", with: "tokenizer").replacing("NODE", with: "plain") + "\n"
        + "nodes.again.model | "
        + words.replacing("`said`", with: "`again`").replacing("PORT", with: "model")
        .replacing("NODE", with: "tuned.model"))
  }

  @Test func aPredictionWithoutATemplate() throws {
    try FileManager.default.createDirectory(
      atPath: workspace.folder.path("plain"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: fixture("Command/tiny/tokenizer.json"), toPath: workspace.folder.path("plain/tokenizer.json"))
    #expect(
      try problems(
        """
        plain: {type: load_tokenizer, from: DIR/plain}
        said: {type: predict, model: base, tokenizer: plain, prompts: [hello]}
        """
      ).contains(
        "nodes.said.tokenizer | The tokenizer has no chat template | node `said` takes `tokenizer` from `plain`; "
          + "nothing says how a conversation becomes a text | put a `chat_template.jinja` beside"))
  }

  @Test func anAdapterForAnotherModelIsFoundBeforeTheRun() throws {
    try FileManager.default.copyItem(
      atPath: fixture("ModelFolders/adapter"), toPath: workspace.folder.path("strange"))
    let problems = try problems("given: {type: attach_adapter, model: base, from: DIR/strange}")
    #expect(
      problems.hasPrefix(
        "nodes.given.model | The adapter was made for another model | node `given` takes `model` from `base`; its "
          + "`gate_proj` is [40, 32], the model's is [64, 32]"), "\(problems)")
    #expect(problems.hasSuffix(" | connect the adapter's own base"))
  }

  @Test func anAdapterThatCannotBeContinuedIsFoundBeforeTheRun() throws {
    try FileManager.default.copyItem(
      atPath: fixture("ModelFolders/adapter"), toPath: workspace.folder.path("strange"))
    let path = workspace.folder.path("strange/adapter_config.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let changed = text.replacing(#""use_qalora": false"#, with: #""use_qalora": true"#)
    #expect(changed != text)
    try changed.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(
      try problems("given: {type: attach_adapter, model: base, from: DIR/strange}")
        == "nodes.given.from | `use_qalora` is true, which is not supported | supported: false | ")
  }

  @Test func aTemplateThatCannotBeReadIsFoundBeforeTheRun() throws {
    try workspace.folder.write("{% for m in messages %}{{ m.content }", to: "broken.jinja")
    #expect(
      try problems("own: {type: apply_template, dataset: rows, tokenizer: tokenizer, template: DIR/broken.jinja}")
        .hasPrefix("nodes.own.template | Invalid chat template: "))
  }

  /// Numbers that 64 bits hold and 32 do not.
  @Test func anAdapterOfNumbersThatAreNoneIsRefused() throws {
    let found = try problems(
      """
      big: {type: attach_adapter, model: base, alpha: 1e39}
      all: {type: attach_adapter, model: base, dropout: 0.99999999999}
      """)
    #expect(found.contains("nodes.big.alpha | The alpha of an adapter is a number that 32 bits hold, not inf | "))
    #expect(found.contains("nodes.all.dropout | The dropout of an adapter is at least 0 and below 1, not 1.0 | "))
  }
}
