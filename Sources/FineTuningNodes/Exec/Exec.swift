import Diagnostics
import Pipeline
import PreciseJSON

/// Runs a program of somebody else's, with typed inputs and outputs.
package enum Exec: NodeType {
  package typealias Fields = ExecFields

  package static let name = "exec"
  package static let summary = "Runs a program of one's own in a folder of its own, with typed inputs and outputs"
  package static let implementationVersion = 1
  package static let inputs = [
    InputPort(
      "inputs", [], optional: true, named: true,
      doc: "What it reads: the files of each are at `inputs/NAME` in its folder, not to be written to")
  ]
  /// Those of a node are its field `outputs`.
  package static let outputs: [OutputPort] = []
  package static let execution = Execution.worker(cores: .all)
  package static let readsOutside = true

  package static func outputs(_ fields: Fields) -> [OutputPort] {
    (fields.outputs ?? [:]).sorted { $0.key < $1.key }.map {
      OutputPort($0.key, $0.value.artefact, doc: "What the program writes to `outputs/\($0.key)`")
    }
  }

  package static func execution(_ fields: Fields) -> Execution {
    .worker(cores: fields.cores == .all ? .all : .one)
  }

  package static func validity(_ fields: Fields) -> Validity {
    if !fields.versionCommand.isEmpty {
      return .byKeyAnd(
        VersionQuestion(
          field: "version_command", command: fields.versionCommand, environment: fields.variables))
    }
    return fields.version == nil ? .unknown : .byKey
  }

  /// Each in the role of its name in the program's folder.
  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
    var known: [String: String] = [:]
    return try fields.files.map { file in
      let path = paths.text(of: file)
      guard let name = path.split(separator: "/").last.map(String.init), ![".", ".."].contains(name) else {
        throw ExecError.noName(path)
      }
      if let other = known[name] { throw ExecError.sameName(other, path) }
      guard !ExecFolder.taken.contains(name) else { throw ExecError.takenName(name) }
      known[name] = path
      return SourceRequest(role: name, path: path)
    }
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let types = outputs(fields).map { port -> (String, ArtefactType) in
      var type = ArtefactType(port.type)
      if port.type == ArtefactName.adapter { type.facets = textFacets(inputs) }
      return (port.name, type)
    }
    return Inference(
      outputs: Dictionary(types) { first, _ in first }, conflicts: conflicts(fields, names: inputNames(inputs)))
  }

  private static func inputNames(_ inputs: InputTypes) -> [String] {
    inputs.ports.keys.filter { $0.hasPrefix("inputs.") }.map { String($0.dropFirst(7)) }.sorted()
  }

  /// How the texts were laid out that a program learns from; nothing where it is given tokens of several kinds.
  private static func textFacets(_ inputs: InputTypes) -> [String: Facet] {
    let all = inputs.ports.values.flatMap { $0 }.filter { $0.type.name == ArtefactName.tokens }.map { source in
      source.type.facets.filter { [FacetName.template, FacetName.templateNames].contains($0.key) }
    }
    return Set(all).count == 1 ? all[0] : [:]
  }

  private static func conflicts(_ fields: Fields, names: [String]) -> [Inference.Conflict] {
    var conflicts: [Inference.Conflict] = []
    for (field, command) in [("command", fields.command ?? []), ("version_command", fields.versionCommand)] {
      if let conflict = misspelt(field, command, isNeeded: field == "command") { conflicts.append(conflict) }
    }
    let outputs = (fields.outputs ?? [:]).keys.sorted()
    for (index, word) in (fields.command ?? []).enumerated() {
      for (name, nearest, known) in ExecWord(word).unknown(inputs: names, outputs: outputs) {
        conflicts.append(
          .init(
            port: "command[\(index)]", "`{\(name)}` stands for nothing",
            reason: "what there is are [\(known.map { "{\($0)}" }.joined(separator: ", "))]",
            advice: nearest.map { "`{\($0)}`" } ?? "`{{\(name)}}` is the text with its braces"))
      }
    }
    if outputs.isEmpty, fields.outputs != nil {
      conflicts.append(
        .init(
          port: "outputs", "No output is named: nothing that the program makes would be kept",
          reason: "`outputs` is an empty map", advice: "`outputs: {result: files}`"))
    }
    for (index, name) in fields.inherit.enumerated() where name.isEmpty || name.contains("=") {
      conflicts.append(
        .init(
          port: "inherit[\(index)]", "`\(name)` is no name of a variable", reason: nil,
          advice: name.contains("=") ? "Variables with values go into `environment`" : "Remove it"))
    }
    for (index, name) in fields.inherit.enumerated() where fields.environment[name] != nil {
      conflicts.append(
        .init(
          port: "inherit[\(index)]", "`\(name)` stands in `environment` too", reason: "a variable has one value",
          advice: "Remove one of the two"))
    }
    return conflicts
  }

  /// What is wrong with a command as a list of words.
  private static func misspelt(_ field: String, _ command: [String], isNeeded: Bool) -> Inference.Conflict? {
    guard isNeeded || !command.isEmpty else { return nil }
    guard let program = command.first, !program.isEmpty else {
      return .init(port: field, "`\(field)` names no program", advice: "such as `[python3, train.py]`")
    }
    let words = program.split(separator: " ")
    guard command.count == 1, words.count > 1 else { return nil }
    return .init(
      port: field, "`\(field)` is one word with spaces in it", reason: "there is no shell that would cut it",
      advice: "write a list: `[\(words.joined(separator: ", "))]`")
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let folder = try ExecFolder(fields, context)
    let program = try folder.program()
    context.log("starts `\(program.words.joined(separator: " "))`")
    if !fields.unset.isEmpty {
      context.log("variables that are not set here: [\(fields.unset.joined(separator: ", "))]")
    }
    let (ending, lastLines) = try context.run(program, grace: fields.grace.value)
    guard ending == .exited(0) else { throw ExecError.ended(program.words[0], ending, lastLines: lastLines) }
    try folder.checkInputs()
    try folder.collect()
    try describe(fields, context)
  }

  /// What a program learned from tokens goes on with how they were made.
  private static func describe(_ fields: Fields, _ context: NodeContext) throws {
    let tokens = context.namedInputs("inputs").map(\.view).filter { $0.type.name == ArtefactName.tokens }
    guard let first = tokens.first, Set(tokens.map { ConversationFormat($0.details) }).count == 1 else { return }
    for (name, type) in fields.outputs ?? [:] where type == .adapter {
      let output = try context.output(name)
      ConversationFormat.take(from: first.details, into: &output.details)
    }
  }
}
