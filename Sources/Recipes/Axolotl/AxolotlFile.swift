import Diagnostics
import Pipeline

/// A configuration of Axolotl's, as far as it maps.
package enum AxolotlFile {
  /// The pipeline that a file becomes.
  ///
  /// - Parameters:
  ///   - settings: Changes of keys: `learning_rate=1e-5`.
  ///   - hub: Where models lie that were fetched before.
  /// - Throws: `DiagnosticList` with everything wrong, where there is no pipeline at all.
  package static func expand(_ file: YAMLText, settings: [Override], hub: HubCache) throws -> RecipeFile.Expanded {
    var file = file
    var problems: [Diagnostic] = []
    for setting in settings { setting.apply(toMap: &file.tree, problems: &problems) }
    let arguments = Arguments(file, .axolotl)
    let expansion = AxolotlExpansion(arguments, hub: hub, name: RecipeFile.name(of: file, given: nil))
    expansion.build()
    return try RecipeFile.Expanded(expansion, problems)
  }
}
