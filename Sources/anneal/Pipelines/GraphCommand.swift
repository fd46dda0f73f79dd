import ArgumentParser
import Pipeline

/// `anneal graph`: the graph as a picture.
struct GraphCommand: ParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text
    case dot
    case mermaid
    case svg
  }

  static let configuration = CommandConfiguration(
    commandName: "graph", abstract: "Draws the graph of a pipeline, with what is cached and what would run.")

  @OptionGroup var pipeline: PipelineArguments
  @OptionGroup var workplace: Workplace

  @Argument(help: "Changes of keys of a LLaMA-Factory file, as key=value.")
  var settings: [String] = []

  @Option(help: "How to draw it.")
  var format = Format.text

  func run() throws {
    try reportingProblems {
      let resolved = try pipeline.load(workplace, settings: settings)
      let plan = try Planner(store: workplace.openedStore).plan(resolved)
      var states: [String: GraphPicture.State] = [:]
      for node in plan.nodes {
        states[node.name] = node.isCached ? .cached : node.mayRun ? .possible : .planned
      }
      let picture = GraphPicture(resolved, states: states)
      switch format {
      case .text: Terminal.put(picture.text)
      case .dot: Terminal.put(picture.dot)
      case .mermaid: Terminal.put(picture.mermaid)
      case .svg: Terminal.put(picture.svg)
      }
    }
  }
}
