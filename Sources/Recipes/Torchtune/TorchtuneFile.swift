import Diagnostics
import Pipeline

/// A configuration of one of torchtune's trainings, as far as it maps.
package enum TorchtuneFile {
  /// The pipeline that a file becomes.
  ///
  /// - Parameters:
  ///   - settings: Changes of keys: `optimizer.lr=1e-5`.
  ///   - hub: Where models lie that were fetched before.
  /// - Throws: `DiagnosticList` with everything wrong, where there is no pipeline at all.
  package static func expand(_ file: YAMLText, settings: [Override], hub: HubCache) throws -> RecipeFile.Expanded {
    var file = file
    var problems: [Diagnostic] = []
    for setting in settings { setting.apply(toMap: &file.tree, problems: &problems) }
    file.tree = resolved(file.tree, in: file.tree)
    let arguments = Arguments(file, .torchtune)
    let expansion = TorchtuneExpansion(arguments, hub: hub, name: RecipeFile.name(of: file, given: nil))
    expansion.build()
    return try RecipeFile.Expanded(expansion, problems)
  }

  /// A value with what OmegaConf puts in place of `${output_dir}`: the text of another key.
  private static func resolved(_ value: LocatedValue, in tree: LocatedValue, depth: Int = 0) -> LocatedValue {
    var value = value
    switch value.content {
    case .map(let pairs):
      value.content = .map(
        pairs.map { LocatedValue.Pair(key: $0.key, value: resolved($0.value, in: tree, depth: depth)) })
    case .list(let items): value.content = .list(items.map { resolved($0, in: tree, depth: depth) })
    case .scalar(var scalar):
      let parts = scalar.text.split(separator: "${", maxSplits: 1, omittingEmptySubsequences: false)
      guard depth < 8, parts.count == 2, let end = parts[1].firstIndex(of: "}") else { return value }
      let path = parts[1][..<end].split(separator: ".").map(String.init)
      let found = path.reduce(Optional(tree)) { $0?[$1] }
      guard let text = found?.scalarText else { return value }
      scalar.text = parts[0] + text + parts[1][end...].dropFirst()
      value.content = .scalar(scalar)
      return resolved(value, in: tree, depth: depth + 1)
    }
    return value
  }
}
