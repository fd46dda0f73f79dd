import ArgumentParser
import Diagnostics
import FineTuningNodes
import Pipeline
import PreciseJSON
import Recipes

/// `anneal nodes`: the node types, their ports and fields.
struct NodesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nodes", abstract: "Lists the node types, or describes one.")

  @Argument(help: "A node type.")
  var type: String?

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print the reference page in Markdown.")
  var markdown = false

  func run() throws {
    try reportingProblems {
      let reference = NodeReference(fineTuningNodes)
      if let type {
        guard let found = fineTuningNodes[type] else {
          throw Diagnostic(
            code: "unknown-node-type", "Unknown node type `\(type)`",
            advice: nearestName(to: type, among: fineTuningNodes.names).map { "`\($0)`" } ?? "see `anneal nodes`")
        }
        if json {
          let all = reference.json.array ?? []
          Terminal.put((all.first { $0["name"]?.string == type } ?? .null).text(.pretty))
        } else {
          Terminal.put(reference.description(of: found))
        }
      } else {
        Terminal.put(
          json ? reference.json.text(.pretty) : markdown ? String(reference.page.dropLast()) : reference.listing)
      }
    }
  }
}

/// `anneal schema`: the JSON Schema of pipeline files, or of recipes, for editors.
struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Prints the JSON Schema of pipeline files, for editors.")

  @Flag(help: "Print that of recipes.")
  var recipe = false

  func run() {
    Terminal.put((recipe ? FlatRecipe.schema(fineTuningNodes) : PipelineSchema(fineTuningNodes).json).text(.pretty))
  }
}
