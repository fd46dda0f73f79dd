import ArgumentParser
import Diagnostics
import FineTuningNodes
import Pipeline
import PreciseJSON

/// `anneal show`: one run, node by node, with where its outputs lie.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows a run: each node's state, key, time, memory and outputs.")

  @OptionGroup var workplace: Workplace

  @Argument(help: ArgumentHelp("A run's name, the beginning of one, or `last`.", valueName: "run"))
  var name = "last"

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let record = try workplace.history.run(name)
      let store = workplace.openedStore
      if json {
        Terminal.put(try withPaths(record, store).text(.pretty))
        return
      }
      let state = record.isAbandoned ? "killed" : record.state.rawValue
      let purpose = record.purpose.map { ", for `anneal \($0.rawValue)`" } ?? ""
      Terminal.put("run \(record.id) of \(record.pipeline) (\(record.file)): \(state)\(purpose)")
      for parameter in record.parameters { Terminal.put("  \(parameter.name) = \(parameter.value)") }
      Terminal.put(
        table(
          [["node", "state", "time", "memory", "key"]]
            + record.nodes.map { node in
              [
                node.name, node.state.rawValue, node.seconds.map(duration) ?? "", Self.memory(node),
                node.key?.short ?? "",
              ]
            }))
      for node in record.nodes { Terminal.report(node.problems) }
      let checked = try record.nodes.compactMap { node -> (String, SanityFindings)? in
        guard let key = node.key, case .found(let result) = try store.result(for: key) else { return nil }
        return (node.name, SanityFindings(result))
      }
      for line in SanityFindings.lines(checked) { Terminal.put(line) }
    }
  }

  /// A light node took no more than the process that it shares with others.
  private static func memory(_ node: RunRecord.Node) -> String {
    node.peakMemory.map { (node.measuredProcess == .run ? "≤ " : "") + byteCount($0) } ?? ""
  }

  /// The record with the files of each output and their places on disk.
  private func withPaths(_ record: RunRecord, _ store: Store) throws -> JSON {
    var object = record.json.object ?? JSONObject()
    let nodes = try (object["nodes"]?.array ?? []).map { node -> JSON in
      guard var members = node.object, let key = members["key"]?.string.flatMap(Digest.init(hex:)),
        case .found(let result) = try store.result(for: key)
      else { return node }
      var outputs = members["outputs"]?.object ?? JSONObject()
      for (port, artefact) in result.outputs {
        var output = outputs[port]?.object ?? JSONObject()
        output["details"] = .object(artefact.details)
        output["paths"] = JSON(
          artefact.members.map { member in
            (key: member.path, value: (try? store.path(of: result.shown(member, at: port))).map { JSON($0) } ?? .null)
          })
        outputs[port] = .object(output)
      }
      members["outputs"] = .object(outputs)
      // Only the pipeline's outputs are shown in the project.
      members["results"] = try members["name"]?.string.flatMap { name in
        let folder = workplace.project + "/" + ResultView.place(pipeline: record.pipeline, node: name)
        return try pathKind(folder) == nil ? nil : JSON(folder)
      }
      return .object(members)
    }
    object["nodes"] = .array(nodes)
    return .object(object)
  }
}
