import ArgumentParser
import Diagnostics
import FineTuningNodes
import Pipeline
import Recipes

/// `anneal expand`: the pipeline that a file of another program becomes.
struct ExpandCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "expand",
    abstract: "Writes the pipeline that a file of LLaMA-Factory's becomes, with where each field comes from.")

  @OptionGroup var workplace: Workplace

  @Argument(help: "A training, export or prediction file of LLaMA-Factory's.")
  var file: String?

  @Argument(help: "Changes of keys, as key=value.")
  var settings: [String] = []

  @Option(name: .customLong("set"), help: "Change a key, such as learning_rate=3e-4.")
  var overrides: [String] = []

  @Flag(help: "Print every key of LLaMA-Factory's, and what becomes of it, in Markdown.")
  var keys = false

  func validate() throws {
    if keys != (file == nil) { throw ValidationError(keys ? "`--keys` takes no file." : "Name a file.") }
    if let word = (settings + overrides).first(where: { !$0.dropFirst().contains("=") || $0.hasPrefix("nodes.") }) {
      throw ValidationError("`\(word)` is no change of a key, such as `learning_rate=3e-4`.")
    }
  }

  func run() throws {
    try reportingProblems {
      guard let file else { return Terminal.put(String(ArgumentTable.reference.dropLast())) }
      let text = try YAMLText(path: file)
      guard LLaMAFactoryFile.isOne(text) else {
        throw Diagnostic(
          code: "not-a-recipe", "There is nothing to expand: the file is none of LLaMA-Factory's",
          at: Place(file: file),
          reason: "those have `model_name_or_path`, and no `nodes`",
          advice: "`anneal validate` checks a pipeline, `anneal graph` draws it")
      }
      let expanded = try PipelineArguments.expand(text, overrides, settings)
      // The pipeline is written as far as it came, with everything that is wrong beside it.
      var problems = expanded.problems
      do {
        problems = try PipelineFile.resolve(
          expanded.pipeline, problems: expanded.problems, registry: fineTuningNodes,
          sources: workplace.openedStore.sources
        ).warnings
      } catch {
        problems = diagnostics(of: error)
      }
      Terminal.put(String(expanded.text.dropLast()))
      Terminal.report(problems)
      if problems.hasErrors { throw ExitCode(2) }
    }
  }
}
