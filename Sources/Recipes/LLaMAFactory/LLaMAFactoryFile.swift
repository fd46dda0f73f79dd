import Diagnostics
import Pipeline

/// A training, export or prediction file of LLaMA-Factory's, which runs as it stands.
package enum LLaMAFactoryFile {
  /// The pipeline that a file becomes.
  ///
  /// - Parameters:
  ///   - settings: Changes of keys, as OmegaConf takes them: `learning_rate=1e-5`.
  ///   - hub: Where models lie that were fetched before.
  /// - Throws: `DiagnosticList` with everything wrong, where there is no pipeline at all.
  package static func expand(_ file: YAMLText, settings: [Override], hub: HubCache) throws -> RecipeFile.Expanded {
    var file = file
    var problems: [Diagnostic] = []
    for setting in settings { setting.apply(toMap: &file.tree, problems: &problems) }
    if let task = file.tree["task"] {
      throw DiagnosticList([LLaMAFactoryProblem.benchmark.diagnostic(at: task, path: "task")])
    }
    let arguments = Arguments(file, .llamaFactory)
    let expansion = Expansion(arguments, hub: hub, name: name(arguments))
    expansion.checkTemplate()
    switch kind(of: arguments) {
    case .export: expansion.addMergedExport()
    case .train: expansion.addTraining()
    case .measure: expansion.addMeasuring()
    case .nothing: expansion.report(.nothingToDo, at: file.tree, nil)
    case .chat: expansion.report(.chat(command: "anneal chat \(file.source.file)"), at: file.tree, nil)
    }
    return try RecipeFile.Expanded(expansion, problems)
  }

  /// The conversation that a file asks for, whatever else it does.
  ///
  /// - Throws: `DiagnosticList` with everything wrong.
  package static func chat(_ file: YAMLText, hub: HubCache) throws -> ChatRequest {
    let arguments = Arguments(file, .llamaFactory)
    let expansion = Expansion(arguments, hub: hub, name: name(arguments))
    expansion.checkTemplate()
    let request = expansion.chatRequest()
    let problems = arguments.problems + expansion.problems
    if problems.hasErrors { throw DiagnosticList(RecipeFile.sorted(problems, file)) }
    return request
  }

  // MARK: Kinds

  private enum Kind {
    case train
    case export
    case measure
    case chat
    case nothing
  }

  private static func kind(of arguments: Arguments) -> Kind {
    if arguments.isGiven("export_dir") { return .export }
    if arguments.bool("do_train") { return .train }
    if arguments.bool("do_predict") || arguments.bool("do_eval") || arguments.bool("predict_with_generate") {
      return .measure
    }
    let training = ["dataset", "eval_dataset", "output_dir", "learning_rate", "num_train_epochs", "max_steps"]
    return training.contains { arguments.isGiven($0) } ? .nothing : .chat
  }

  /// The pipeline's name: the run's, or the file's.
  private static func name(_ arguments: Arguments) -> LocatedValue {
    RecipeFile.name(of: arguments.file, given: arguments.isGiven("run_name") ? arguments.located("run_name") : nil)
  }
}
