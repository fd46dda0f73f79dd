import ArgumentParser
import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import Recipes

/// A pipeline file, or one that becomes a pipeline, and changes to it.
struct PipelineArguments: ParsableArguments {
  @Argument(help: "The pipeline file, a recipe, or a file of LLaMA-Factory's, Axolotl's or torchtune's.")
  var file: String

  @Option(name: .customLong("set"), help: "Change a field or a param, such as nodes.sft.rank=8 or learning_rate=3e-4.")
  var overrides: [String] = []

  /// Reads the file; warnings go to standard error.
  ///
  /// - Parameters:
  ///   - settings: Changes of keys of a recipe, or of a file of another program's: `key=value`.
  ///   - asks: Whether programs are asked for versions that are part of keys.
  func load(_ workplace: Workplace, settings: [String] = [], asks: Bool = true) throws -> ResolvedPipeline {
    let (pipeline, targets) = try load(workplace, words: settings, asks: asks)
    if let word = targets.first {
      throw Diagnostic(
        code: "no-effect", "`\(word)` has no effect here",
        reason: "`key=value` behind the file is for recipes and for files of other programs",
        advice: word.isSetting ? "`--set \(word)`" : "leave it out")
    }
    return pipeline
  }

  /// Reads the file, and tells names of nodes from changes of keys among what stands behind it.
  func load(
    _ workplace: Workplace, words: [String], asks: Bool = true
  ) throws -> (pipeline: ResolvedPipeline, targets: [String]) {
    let own = workplace.openedStore.sources
    let sources: any SourceDigester = asks ? own : UnaskedSources(own)
    let text = try YAMLText(path: file)
    let kind = RecipeFile.kind(of: text)
    let pipeline: ResolvedPipeline
    if let kind {
      let expanded = try Self.expand(text, as: kind, overrides, words)
      pipeline = try Self.resolve(
        expanded, overrides: Self.options(overrides).filter(\.isOfANode), sources: sources)
      let idle = kind == .recipe ? "" : ", \(expanded.counts.idle) decide nothing here"
      Terminal.say(
        "\(file) is \(kind.words): \(expanded.counts.used) keys became a pipeline of "
          + "\(pipeline.nodes.count) nodes\(idle); `anneal expand` shows it")
    } else {
      if let unknown = RecipeFile.unknown(text) { throw unknown }
      pipeline = try PipelineFile.resolve(
        text, overrides: Self.options(overrides), registry: fineTuningNodes, sources: sources)
    }
    Terminal.report(pipeline.warnings)
    try Placement.check(pipeline, store: workplace.openedStore, project: workplace.project)
    return (pipeline, kind != nil ? words.filter { !$0.isSetting } : words)
  }

  /// What a file becomes.
  ///
  /// - Parameter overrides: The `--set` arguments; those that name nodes are for what it becomes.
  static func expand(
    _ text: YAMLText, as kind: RecipeFile.Kind, _ overrides: [String], _ words: [String]
  ) throws -> RecipeFile.Expanded {
    let settings = words.filter(\.isSetting).enumerated().map { index, word in
      Override(text: word, argumentIndex: index + 1, isOption: false)
    }
    return try RecipeFile.expand(
      text, as: kind, settings: options(overrides).filter { !$0.isOfANode } + settings,
      hub: HubCache(environment: ProcessInfo.processInfo.environment), registry: fineTuningNodes)
  }

  /// The pipeline that a file became, resolved; problems are told at the keys of the file.
  static func resolve(
    _ expanded: RecipeFile.Expanded, overrides: [Override] = [], sources: any SourceDigester
  ) throws -> ResolvedPipeline {
    do {
      return try PipelineFile.resolve(
        expanded.pipeline, overrides: overrides, problems: expanded.problems, registry: fineTuningNodes,
        sources: sources)
    } catch let list as DiagnosticList {
      throw DiagnosticList(expanded.named(list.diagnostics))
    }
  }

  private static func options(_ overrides: [String]) -> [Override] {
    overrides.enumerated().map { Override(text: $1, argumentIndex: $0 + 1) }
  }
}

extension Override {
  /// Whether it changes a field of a node and no key of the file.
  var isOfANode: Bool { text.hasPrefix("nodes.") }
}

extension String {
  /// Whether it is `key=value`.
  fileprivate var isSetting: Bool { dropFirst().contains("=") }
}
