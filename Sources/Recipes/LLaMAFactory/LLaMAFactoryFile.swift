import Diagnostics
import Pipeline

/// A training, export or prediction file of LLaMA-Factory's, which runs as it stands.
package enum LLaMAFactoryFile {
  /// What a file became.
  package struct Expanded: Sendable {
    /// The pipeline, each field at the place of the key that it came from.
    package let pipeline: YAMLText
    /// What is wrong with the file; with errors the pipeline is only as far as it came.
    package let problems: [Diagnostic]
    /// The pipeline as a file with comments.
    package let text: String
    /// How many keys became something, and how many decide nothing here.
    package let counts: (used: Int, idle: Int)
  }

  /// Whether a file is one of LLaMA-Factory's, and no pipeline.
  package static func isOne(_ file: YAMLText) -> Bool {
    let names = file.tree.pairs.map(\.key.text)
    if names.contains("nodes") || names.contains("pipeline") { return false }
    if names.contains("model_name_or_path") { return true }
    // The key may have been forgotten, or misspelt.
    return names.count { ArgumentTable.byName[$0] != nil } >= 3
  }

  /// The pipeline that a file becomes.
  ///
  /// - Parameters:
  ///   - settings: Changes of keys, as OmegaConf takes them: `learning_rate=1e-5`.
  ///   - hub: Where models lie that were fetched before.
  /// - Throws: `DiagnosticList` with everything wrong, where there is no pipeline at all.
  package static func expand(_ file: YAMLText, settings: [Override], hub: HubCache) throws -> Expanded {
    var file = file
    var problems: [Diagnostic] = []
    for setting in settings { setting.apply(toMap: &file.tree, problems: &problems) }
    if let task = file.tree["task"] {
      throw DiagnosticList([LLaMAFactoryProblem.benchmark.diagnostic(at: task, path: "task")])
    }
    let arguments = Arguments(file)
    let expansion = Expansion(arguments, hub: hub, name: name(arguments, file))
    expansion.checkTemplate()
    switch kind(of: arguments) {
    case .export: expansion.addMergedExport()
    case .train: expansion.addTraining()
    case .measure: expansion.addMeasuring()
    case .nothing: expansion.report(.nothingToDo, at: file.tree, nil)
    case .chat: expansion.report(.chat(command: "anneal chat \(file.source.file)"), at: file.tree, nil)
    }
    problems += arguments.problems + expansion.problems
    if expansion.sketch.nodes.isEmpty, problems.hasErrors { throw DiagnosticList(sorted(problems, file)) }
    let fates = KeyFates(arguments)
    return Expanded(
      pipeline: YAMLText(expansion.sketch.tree, of: file.source), problems: problems,
      text: expansion.sketch.text(head: fates.head(file.source.file), tail: fates.tail),
      counts: (fates.used.count, fates.idle.count))
  }

  /// The conversation that a file asks for, whatever else it does.
  ///
  /// - Throws: `DiagnosticList` with everything wrong.
  package static func chat(_ file: YAMLText, hub: HubCache) throws -> ChatRequest {
    let arguments = Arguments(file)
    let expansion = Expansion(arguments, hub: hub, name: name(arguments, file))
    expansion.checkTemplate()
    let request = expansion.chatRequest()
    let problems = arguments.problems + expansion.problems
    if problems.hasErrors { throw DiagnosticList(sorted(problems, file)) }
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
  private static func name(_ arguments: Arguments, _ file: YAMLText) -> LocatedValue {
    let given = arguments.isGiven("run_name") ? arguments.text("run_name") : nil
    let path = file.source.file.split(separator: "/").last.map(String.init) ?? ""
    let stem = path.split(separator: ".").first.map(String.init) ?? ""
    let scalars = (given ?? stem).unicodeScalars.map { scalar -> Unicode.Scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".": scalar
      default: "-"
      }
    }
    var name = String(String.UnicodeScalarView(scalars.prefix(100)))
    while let first = name.first, !(first.isLetter || first.isNumber) { name.removeFirst() }
    if name.isEmpty { name = "llama-factory" }
    return (given == nil ? LocatedValue(scalar: name, at: file.source.wholeMark) : arguments.located("run_name"))
      .with(text: name)
  }

  private static func sorted(_ problems: [Diagnostic], _ file: YAMLText) -> [Diagnostic] {
    func rank(_ problem: Diagnostic) -> (Int, Int, Int) {
      let isHere = problem.place.map { $0.file == file.source.file } ?? true
      return (isHere ? 0 : 1, problem.place?.line ?? 0, problem.place?.column ?? 0)
    }
    return problems.sorted { rank($0) < rank($1) }
  }
}
