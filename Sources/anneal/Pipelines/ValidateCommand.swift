import ArgumentParser
import Diagnostics
import Pipeline
import PreciseJSON

/// `anneal validate`: everything that is wrong with a pipeline file, at once.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Checks a pipeline file and names everything that is wrong with it.")

  @OptionGroup var pipeline: PipelineArguments
  @OptionGroup var workplace: Workplace

  @Argument(help: "Changes of keys of a LLaMA-Factory file, as key=value.")
  var settings: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      do {
        let resolved = try pipeline.load(workplace, settings: settings, asks: false)
        if json {
          Terminal.put(
            JSON([(key: "valid", value: true), (key: "problems", value: problems(resolved.warnings))]).text(.pretty))
        } else {
          Terminal.put("\(pipeline.file): \(resolved.nodes.count) nodes, nothing wrong")
        }
      } catch let error as any DiagnosticError where json {
        Terminal.put(
          JSON([(key: "valid", value: false), (key: "problems", value: problems(error.diagnostics))]).text(.pretty))
        throw ExitCode(2)
      }
    }
  }

  private func problems(_ list: [Diagnostic]) -> JSON {
    .array(
      list.map { problem in
        var object = JSONObject()
        object["severity"] = JSON(problem.severity.rawValue)
        object["code"] = JSON(problem.code)
        object["summary"] = JSON(problem.summary)
        object["file"] = problem.place.map { JSON($0.file) }
        object["line"] = problem.place?.line.map { JSON($0) }
        object["column"] = problem.place?.column.map { JSON($0) }
        object["path"] = problem.path.map { JSON($0) }
        object["reason"] = problem.reason.map { JSON($0) }
        object["advice"] = problem.advice.map { JSON($0) }
        return .object(object)
      })
  }
}
