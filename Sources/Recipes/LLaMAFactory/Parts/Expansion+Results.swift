import Diagnostics
import Pipeline

/// Evaluations, answers and exports.
extension Expansion {
  /// What transformers calls measures, and what evaluations do; others have the same names on both sides.
  private static let measures = [
    "eval_loss": "loss", "loss": "loss", "eval_accuracy": "accuracy", "accuracy": "accuracy",
    "eval_perplexity": "loss", "perplexity": "loss",
    "eval_rewards/accuracies": "rewards_accuracy", "rewards/accuracies": "rewards_accuracy",
    "eval_rewards/margins": "rewards_margin", "rewards/margins": "rewards_margin",
  ]

  /// Evaluations while it trains, and what follows from them.
  func setEvaluations(_ train: inout Sketch.Node, _ tokens: Tokens) {
    let strategy = arguments.text("eval_strategy") ?? "no"
    let keepsBest = arguments.bool("load_best_model_at_end") || arguments.text("save_strategy") == "best"
    let isWanted =
      strategy != "no" || keepsBest || arguments.isGiven("early_stopping_steps") || arguments.bool("eval_on_start")
    guard isWanted else { return }
    guard let validation = tokens.validation else {
      if problems.isEmpty {
        report(
          .missing(
            "eval_dataset", reason: "there are no rows to measure on",
            advice: "`val_size: 0.1`, or `eval_dataset: NAME`"),
          at: arguments.located("eval_strategy"), nil)
      }
      return
    }
    train.connect("validation", validation)
    if strategy == "epoch" {
      arguments.note(
        "eval_strategy",
        "measured once, at the end; say `eval_strategy: steps` and `eval_steps` to measure while it trains")
    }
    if strategy != "epoch" || keepsBest || arguments.isGiven("early_stopping_steps") {
      let key = arguments.isGiven("eval_steps") ? "eval_steps" : "logging_steps"
      if let steps = arguments.number(key), steps < 1 {
        refuse(
          key, "evaluations come after a number of steps, not after a share of them",
          try: "a number of steps, such as `eval_steps: 100`")
      }
      train.set("evaluate_every", from: key, of: arguments)
    }
    if arguments.bool("eval_on_start") { train.set("evaluate_first", from: "eval_on_start", of: arguments) }
    if arguments.isGiven("early_stopping_steps") {
      train.set("early_stopping.patience", from: "early_stopping_steps", of: arguments)
    }
    guard keepsBest || arguments.isGiven("early_stopping_steps") else { return }
    if keepsBest {
      let key = arguments.bool("load_best_model_at_end") ? "load_best_model_at_end" : "save_strategy"
      train.set("keep", text: "best", at: arguments.located(key), key)
    }
    if arguments.isGiven("metric_for_best_model"), let measure = arguments.text("metric_for_best_model") {
      train.set(
        "best_measure", text: Self.measures[measure] ?? measure, at: arguments.located("metric_for_best_model"),
        "metric_for_best_model")
    }
    if arguments.isGiven("greater_is_better") {
      train.set(
        "best_goal", text: arguments.bool("greater_is_better") ? "higher" : "lower",
        at: arguments.located("greater_is_better"), "greater_is_better")
    }
  }

  /// Measures a model at the end: on all held-out rows, or on each set by itself.
  func addEvaluations(of model: String, _ tokens: Tokens, reference: String? = nil) {
    let isWanted =
      arguments.bool("do_eval") || arguments.bool("do_predict") || (arguments.text("eval_strategy") ?? "no") != "no"
    guard isWanted, let validation = tokens.validation else { return }
    let sets =
      tokens.apart.isEmpty
      ? [("evaluate", validation)]
      : tokens.apart.map { ("evaluate_\($0.tokens.split(separator: ".")[0].dropLast("_tokens".count))", $0.tokens) }
    for (name, tokens) in sets {
      var evaluate = node(name, "evaluate", at: "do_eval")
      evaluate.connect("model", model)
      evaluate.connect("data", tokens)
      evaluate.set("stage", text: stage.rawValue, at: arguments.located("stage"), "stage")
      if let reference = reference ?? (stage == .dpo || stage == .kto ? base(of: model) : nil) {
        evaluate.connect("reference", reference)
      }
      setStage(&evaluate, measures: true)
      sketch.nodes.append(evaluate)
      sketch.outputs.append(name)
    }
  }

  /// The model that a training began with, which its preferences are measured against.
  private func base(of model: String) -> String? {
    let node = sketch.nodes.first { $0.name == model }
    return node?.fields.first { $0.name == "model" }?.value.scalarText
  }

  /// Takes a model away, into the folder that a key names.
  func addExport(of model: String, to key: String = "output_dir") {
    addRelease(of: model, base: "model_name_or_path", to: key)
  }

  /// The file is an export: adapters are merged, and the model is taken away.
  func addMergedExport() {
    if arguments.isGiven("quantization_bit") {
      report(
        .together(
          "export_dir", "quantization_bit",
          reason: "an adapter is added to the weights as they are, as in LLaMA-Factory"),
        at: arguments.located("quantization_bit"), "quantization_bit")
    }
    let model = addModel(keepsLast: false)
    if let index = sketch.nodes.lastIndex(where: { $0.type == "merge" }), let type = arguments.text("infer_dtype"),
      type != "auto"
    {
      let types = ["float16": "f16", "bfloat16": "bf16", "float32": "f32"]
      sketch.nodes[index].set("dtype", text: types[type] ?? type, at: arguments.located("infer_dtype"), "infer_dtype")
    }
    addExport(of: model, to: "export_dir")
  }

  /// The file asks a model about rows: `do_predict`, `do_eval`.
  func addMeasuring() {
    let model = addModel(keepsLast: true)
    let tokens = addData(trains: false)
    if tokens.validation == nil, problems.isEmpty {
      report(
        .missing("eval_dataset", reason: "there are no rows to ask about", advice: "`eval_dataset: NAME`"),
        at: arguments.located(arguments.isGiven("do_predict") ? "do_predict" : "do_eval"), nil)
    }
    addEvaluations(of: model, tokens, reference: stage == .dpo || stage == .kto ? addReference() : nil)
    if arguments.bool("predict_with_generate") { addAnswers(of: model, tokens) }
  }

  /// Lets the model answer the prompts of the held-out rows.
  func addAnswers(of model: String, _ tokens: Tokens) {
    guard let validation = tokens.validation else { return }
    guard stage == .sft else {
      return refuse("predict_with_generate", "rows of `stage: \(stage.rawValue)` have no answers to ask for")
    }
    var predict = node("answers", "predict", at: "predict_with_generate")
    predict.connect("model", model)
    predict.connect("tokenizer", Self.tokenizer)
    predict.connect("data", validation)
    predict.set("max_tokens", from: "max_new_tokens", of: arguments)
    if arguments.bool("do_sample") {
      for key in ["temperature", "top_p", "top_k"] where key != "top_k" || (arguments.integer(key) ?? 0) > 0 {
        predict.set(key, from: key, of: arguments)
      }
    } else {
      predict.set("temperature", text: "0", at: arguments.located("do_sample"), "do_sample: false")
    }
    predict.set("repetition_penalty", from: "repetition_penalty", of: arguments)
    predict.set("seed", from: "seed", of: arguments)
    sketch.nodes.append(predict)
    sketch.outputs.append(predict.name)
    arguments.note(
      "predict_with_generate",
      "`answers.jsonl` has prompt, answer and label of each row; BLEU and ROUGE are not computed")
  }
}
