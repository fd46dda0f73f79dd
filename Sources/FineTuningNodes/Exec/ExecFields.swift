import Glibc
import Pipeline

/// What a node of type `exec` is told.
package struct ExecFields: FieldSet {
  /// How much of the machine the program takes.
  package enum Cores: String, FieldChoice {
    case one
    case all
  }

  var command: [String]?
  var files: [FilePath] = []
  var outputs: [String: ExecOutput]?
  var environment: [String: String] = [:]
  var inherit: [String] = []
  var version: String?
  var versionCommand: [String] = []
  var cores = Cores.all
  var grace = Seconds(10)

  package init() {}

  package static let fields: [Field<Self>] = [
    Field(
      "command", \.command, required: true,
      doc:
        "The program and its arguments, a list: there is no shell. `{inputs.NAME}`, `{outputs.NAME}`, `{checkpoints}` "
        + "and `{threads}` stand for folders, and for a number"),
    Field(
      "files", \.files,
      doc:
        "Scripts and other files or folders that it needs; each is copied into the folder it is started in, under its "
        + "own name"),
    Field("outputs", \.outputs, required: true, doc: ExecOutput.doc),
    Field(
      "environment", \.environment,
      doc: "Variables of its environment. It sees no others but `PATH`, those of `inherit`, and `HOME` and `TMPDIR`, "
        + "which are empty folders"),
    Field(
      "inherit", \.inherit,
      doc: "Names of variables that it sees as they are here; their values are not in the key"),
    Field(
      "version", \.version,
      doc:
        "What is known to decide the result beside all that: raise it when something else has changed. Without it and "
        + "`version_command` the node runs each time"),
    Field(
      "version_command", \.versionCommand,
      doc:
        "A program that writes such a version, asked before each run: `[python3, -c, \"import importlib.metadata as m; "
        + "print(m.version('trl'))\"]`"),
    Field(
      "cores", \.cores, role: .speed,
      doc:
        "`all` keeps other heavy nodes waiting while it runs; `one` is for programs that wait for others most of the time"
    ),
    Field(
      "grace", \.grace, role: .none,
      doc: "How long it has to end by itself after SIGTERM, when the run is stopped"),
  ]
}

extension ExecFields {
  /// The variables that the program sees, as far as fields and this process's own say.
  var variables: [String: String] {
    var all = ["LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"]
    for name in ["PATH"] + inherit { all[name] = Self.value(name) ?? all[name] }
    return all.merging(environment) { $1 }
  }

  /// The names to inherit that are not set.
  var unset: [String] { inherit.filter { Self.value($0) == nil && environment[$0] == nil } }

  private static func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
