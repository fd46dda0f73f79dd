import Diagnostics
import Pipeline

/// A file that is no pipeline and becomes one: a recipe, or a file of another program's.
package enum RecipeFile {
  /// Whose file it is.
  package enum Kind: Sendable, Hashable, CaseIterable {
    case recipe
    case llamaFactory
    case axolotl
    case torchtune

    /// What it is called: `a file of LLaMA-Factory's`.
    package var words: String {
      switch self {
      case .recipe: "a recipe"
      case .llamaFactory, .axolotl, .torchtune: "a file of \(table?.program ?? "")'s"
      }
    }

    /// The keys of the program's files.
    package var table: KeyTable? {
      switch self {
      case .recipe: nil
      case .llamaFactory: .llamaFactory
      case .axolotl: .axolotl
      case .torchtune: .torchtune
      }
    }

    /// The key that tells it from others.
    var mark: String {
      switch self {
      case .recipe: "recipe"
      case .llamaFactory: "model_name_or_path"
      case .axolotl: "base_model"
      case .torchtune: "_component_"
      }
    }

    func isMarked(_ tree: LocatedValue) -> Bool {
      switch self {
      case .recipe, .llamaFactory, .axolotl: tree[mark] != nil
      case .torchtune: tree.pairs.contains { $0.value[mark] != nil }
      }
    }
  }

  /// Keys of pipeline files, which tell them from all others.
  private static let pipelineKeys: Set = ["nodes", "pipeline", "extends", "include", "groups", "params", "outputs"]

  /// Whose file it is; nil for a pipeline, and for what is neither.
  package static func kind(of file: YAMLText) -> Kind? {
    let names = file.tree.pairs.map(\.key.text)
    if ["nodes", "pipeline", "extends"].contains(where: names.contains) { return nil }
    if let kind = Kind.allCases.first(where: { $0.isMarked(file.tree) }) { return kind }
    if names.contains(where: pipelineKeys.contains) { return nil }
    // The key may have been forgotten, or misspelt.
    let known = Kind.allCases.map { kind in (kind, names.count { kind.table?.byName[$0] != nil }) }
    let best = known.max { $0.1 < $1.1 }
    return best.flatMap { $0.1 >= 3 ? $0.0 : nil }
  }

  /// What is wrong with a file that is neither a pipeline nor one of those that become one.
  package static func unknown(_ file: YAMLText) -> Diagnostic? {
    guard case .map(let pairs) = file.tree.content, !pairs.isEmpty, kind(of: file) == nil,
      !pairs.contains(where: { pipelineKeys.contains($0.key.text) || $0.key.text == "matrix" })
    else { return nil }
    return file.tree.diagnostic(
      code: "unknown-file", "The file is neither a pipeline nor one that becomes a pipeline",
      reason: "a pipeline has `nodes`, " + recognition, advice: "`anneal init` writes a pipeline to start from")
  }

  /// How files that become pipelines are told, in words.
  package static let recognition =
    "a recipe `recipe`, LLaMA-Factory's files `model_name_or_path`, Axolotl's `base_model`, torchtune's maps with "
    + "`_component_`"

  /// The pipeline that a file becomes.
  ///
  /// - Parameters:
  ///   - settings: Changes of keys, as `key=value` behind the file: `learning_rate=1e-5`.
  ///   - hub: Where models lie that were fetched before.
  ///   - registry: The node types, whose fields are keys of recipes.
  /// - Throws: `DiagnosticList` with everything wrong, where there is no pipeline at all.
  package static func expand(
    _ file: YAMLText, as kind: Kind, settings: [Override], hub: HubCache, registry: NodeRegistry
  ) throws -> Expanded {
    switch kind {
    case .recipe: try FlatRecipe.expand(file, settings: settings, hub: hub, registry: registry)
    case .llamaFactory: try LLaMAFactoryFile.expand(file, settings: settings, hub: hub)
    case .axolotl: try AxolotlFile.expand(file, settings: settings, hub: hub)
    case .torchtune: try TorchtuneFile.expand(file, settings: settings, hub: hub)
    }
  }

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
    /// The keys that fields came from, by the path of the field: `nodes.train.epochs`.
    let keys: [String: String]

    /// What is wrong with the pipeline, at the names of the keys that it came from; once where several nodes have it of one
    /// key.
    package func named(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
      var known: Set<Diagnostic> = []
      return diagnostics.map(named).filter { known.insert($0).inserted }
    }

    private func named(_ diagnostic: Diagnostic) -> Diagnostic {
      guard let path = diagnostic.path else { return diagnostic }
      let parts = path.split(separator: ".", omittingEmptySubsequences: false)
      for count in stride(from: parts.count, to: 1, by: -1) {
        guard let key = keys[parts[..<count].joined(separator: ".")] else { continue }
        var named = diagnostic
        named.path = ([key] + parts[count...].map(String.init)).joined(separator: ".")
        return named
      }
      return diagnostic
    }
  }

  /// The name of a pipeline: the one that the file gives, or the file's own.
  static func name(of file: YAMLText, given: LocatedValue?) -> LocatedValue {
    if let given, let text = given.scalarText.flatMap(Sketch.pipelineName) { return given.with(text: text) }
    let stem = Sketch.pipelineName(Sketch.stem(of: file.source.file))
    return LocatedValue(scalar: stem ?? "recipe", at: file.source.wholeMark)
  }

  /// Problems in the order of the file's lines, those of other files behind them.
  static func sorted(_ problems: [Diagnostic], _ file: YAMLText) -> [Diagnostic] {
    func rank(_ problem: Diagnostic) -> (Int, Int, Int) {
      let isHere = problem.place.map { $0.file == file.source.file } ?? true
      return (isHere ? 0 : 1, problem.place?.line ?? 0, problem.place?.column ?? 0)
    }
    return problems.sorted { rank($0) < rank($1) }
  }
}

extension RecipeFile.Expanded {
  /// What a file of another program's became.
  ///
  /// - Throws: `DiagnosticList` when there is no pipeline at all.
  init(_ expansion: ForeignExpander, _ known: [Diagnostic]) throws {
    let arguments = expansion.arguments
    let problems = known + arguments.problems + expansion.inner.flatMap(\.problems) + expansion.problems
    if expansion.sketch.nodes.isEmpty, problems.hasErrors {
      throw DiagnosticList(RecipeFile.sorted(problems, arguments.file))
    }
    let fates = KeyFates(arguments, inner: expansion.inner)
    let file = arguments.file.source
    self.init(
      pipeline: YAMLText(expansion.sketch.tree, of: file), problems: problems,
      text: expansion.sketch.text(head: fates.head(file.file), tail: fates.tail),
      counts: (fates.used.count, fates.idle.count), keys: [:])
  }
}
