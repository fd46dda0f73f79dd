import ArgumentParser
import Diagnostics
import FineTuningNodes
import Pipeline
import Recipes

/// `anneal expand`: the pipeline that a recipe or a file of another program becomes.
struct ExpandCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "expand",
    abstract: "Writes the pipeline that a recipe or another program's file becomes, with where each field comes from.")

  /// Whose keys are listed.
  enum Keys: String, ExpressibleByArgument, CaseIterable {
    case recipe
    case llamaFactory = "llama-factory"
    case axolotl
    case torchtune

    var reference: String {
      switch self {
      case .recipe: FlatRecipe.reference(fineTuningNodes)
      case .llamaFactory: KeyTable.llamaFactory.reference
      case .axolotl: KeyTable.axolotlDataset.reference + "\n" + KeyTable.axolotl.reference
      case .torchtune: KeyTable.torchtuneDataset.reference + "\n" + KeyTable.torchtune.reference
      }
    }
  }

  @OptionGroup var workplace: Workplace

  @Argument(help: "A recipe, or a file of LLaMA-Factory's, Axolotl's or torchtune's.")
  var file: String?

  @Argument(help: "Changes of keys, as key=value.")
  var settings: [String] = []

  @Option(name: .customLong("set"), help: "Change a key, such as learning_rate=3e-4.")
  var overrides: [String] = []

  @Option(help: "Print every key of such files, and what becomes of it, in Markdown.")
  var keys: Keys?

  func validate() throws {
    if (keys == nil) == (file == nil) {
      throw ValidationError(keys == nil ? "Name a file." : "`--keys` takes no file.")
    }
    if let word = (settings + overrides).first(where: { !$0.dropFirst().contains("=") || $0.hasPrefix("nodes.") }) {
      throw ValidationError("`\(word)` is no change of a key, such as `learning_rate=3e-4`.")
    }
  }

  func run() throws {
    try reportingProblems {
      if let keys { return Terminal.put(String(keys.reference.dropLast())) }
      let text = try YAMLText(path: file ?? "")
      guard let kind = RecipeFile.kind(of: text) else {
        throw RecipeFile.unknown(text)
          ?? Diagnostic(
            code: "not-a-recipe", "There is nothing to expand: the file is a pipeline", at: Place(file: file ?? ""),
            reason: "what becomes one is told by its keys: \(RecipeFile.recognition)",
            advice: "`anneal validate` checks a pipeline, `anneal graph` draws it")
      }
      let expanded = try PipelineArguments.expand(text, as: kind, overrides, settings)
      // The pipeline is written as far as it came, with everything that is wrong beside it.
      var problems = expanded.problems
      do {
        problems = try PipelineArguments.resolve(expanded, sources: workplace.openedStore.sources).warnings
      } catch {
        problems = diagnostics(of: error)
      }
      Terminal.put(String(expanded.text.dropLast()))
      Terminal.report(expanded.named(problems))
      if problems.hasErrors { throw ExitCode(2) }
    }
  }
}
