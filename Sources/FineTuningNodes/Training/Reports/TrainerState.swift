import PreciseJSON
import Training

/// `trainer_state.json` as the Trainer of transformers writes it, for tools that read its `log_history`.
struct TrainerState {
  static let member = "trainer_state.json"

  var result: TrainingResult
  var settings: TrainingSettings

  /// - Parameter measured: Whether speeds are among the numbers.
  func text(measured: Bool) -> String {
    json(measured: measured).text(
      JSONLayout(indent: 2, itemSeparator: ",", keySeparator: ": ", sortedKeys: true, escapesNonASCII: true)) + "\n"
  }

  private func json(measured: Bool) -> JSON {
    let last = result.metrics.last { $0["epoch"] != nil }
    let epoch = last?["epoch"]?.double ?? 0
    // Records of evaluations do not say which pass they were in.
    let perStep = last?["step"]?.double.map { $0 > 0 ? epoch / $0 : 0 } ?? 0
    let history = result.metrics.map { record in
      let step = record["step"]?.int ?? 0
      let known = record["epoch"] ?? result.metrics.first { $0["step"]?.int == step && $0["epoch"] != nil }?["epoch"]
      return JSON(
        [("epoch", known ?? JSON(Double(step) * perStep)), ("step", JSON(step))]
          + MetricsRecord.measures(record, measured: measured).map { (key: $0.name, value: JSON($0.value)) })
    }
    return [
      "best_global_step": result.bestStep.map { JSON($0) } ?? .null, "best_metric": best.map { JSON($0) } ?? .null,
      "best_model_checkpoint": .null, "epoch": JSON(epoch), "eval_steps": JSON(settings.evaluateEvery ?? 0),
      "global_step": JSON(result.steps), "is_hyper_param_search": false, "is_local_process_zero": true,
      "is_world_process_zero": true, "log_history": .array(history), "logging_steps": JSON(settings.logEvery),
      "max_steps": JSON(result.totalSteps), "num_input_tokens_seen": JSON(result.tokens),
      "num_train_epochs": JSON(Int((Double(result.totalSteps) * perStep).rounded(.up))),
      "save_steps": JSON(settings.saveEvery ?? 0), "stateful_callbacks": JSON([(key: String, value: JSON)]()),
      "total_flos": 0, "train_batch_size": JSON(settings.batchSize), "trial_name": .null, "trial_params": .null,
    ]
  }

  /// The value that made the result the best.
  private var best: Double? {
    result.bestStep.flatMap { step in
      result.metrics.first { $0["step"]?.int == step && $0["eval_\(settings.measure.name)"] != nil }?[
        "eval_\(settings.measure.name)"]?.double
    }
  }
}
