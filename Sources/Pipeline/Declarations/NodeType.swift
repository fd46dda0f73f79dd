import PreciseJSON

/// The declaration of a node type: its name, ports, fields, implementation version and its work.
///
/// One declaration drives everything: decoding of the pipeline file, the keys, the JSON Schema for editors,
/// `anneal nodes`, and the reference page.
package protocol NodeType: Sendable {
  associatedtype Fields: FieldSet

  /// The name in a pipeline file's `type:`, such as `tokenize`.
  static var name: String { get }
  /// One sentence for the reference page.
  static var summary: String { get }
  /// Part of every key. Raised whenever the same fields and inputs would give other bytes than before.
  static var implementationVersion: Int { get }
  static var inputs: [InputPort] { get }
  static var outputs: [OutputPort] { get }
  /// Where the work runs.
  static var execution: Execution { get }
  /// The kinds of parts that its work is published in before the whole is done.
  static var parts: [Part] { get }
  /// Whether it reads what no digest holds, the world outside; only then may its results be said to go stale.
  static var readsOutside: Bool { get }

  /// The outputs of a node with these fields: ``outputs`` unless the fields name others.
  static func outputs(_ fields: Fields) -> [OutputPort]

  /// Where the work of a node with these fields runs: ``execution`` unless the fields say more.
  static func execution(_ fields: Fields) -> Execution

  /// What tells that an earlier result of a node with these fields still holds.
  static func validity(_ fields: Fields) -> Validity

  /// The files outside the store that the node reads; they enter the key by role and content, never by path.
  ///
  /// This is the only place where a node sees the paths that its fields give. Roles say what a file is to the node: where
  /// it reads a folder, they are the files' names in it.
  static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest]

  /// A look into files that tells more about the outputs' types than the fields do; nil when there is nothing to see.
  ///
  /// What it throws is an error of the pipeline, at the field that names the file. Cost of asking: no file is read.
  static func inspection(_ fields: Fields, _ sources: NodeSources) throws -> Inspection?

  /// The types of the outputs, as far as they can be known from the fields, the inputs' types and what the inspection
  /// saw; and everything about the inputs' facets that does not fit.
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference

  /// What the work is expected to take, as far as fields, types and inspections of the node and of those that it is made
  /// from tell; nil when they do not. For people: nothing is decided by it.
  static func forecast(_ fields: Fields, _ ancestry: Ancestry) -> Forecast?

  /// Does the work. Runs in the calling process or in a worker process, according to `execution`.
  static func run(_ fields: Fields, in context: NodeContext) throws
}

extension NodeType {
  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] { [] }
  package static func inspection(_ fields: Fields, _ sources: NodeSources) throws -> Inspection? { nil }
  package static func forecast(_ fields: Fields, _ ancestry: Ancestry) -> Forecast? { nil }
  package static var execution: Execution { .inProcess }
  package static var parts: [Part] { [] }
  package static var readsOutside: Bool { false }
  package static func outputs(_ fields: Fields) -> [OutputPort] { outputs }
  package static func execution(_ fields: Fields) -> Execution { execution }
  package static func validity(_ fields: Fields) -> Validity { .byKey }
}

/// Where a node's work runs, and what it takes.
package enum Execution: Sendable, Hashable {
  /// Light work: in the scheduler's own process, one core.
  case inProcess
  /// Heavy work: in a worker process of its own.
  case worker(cores: CoreDemand)

  package enum CoreDemand: Sendable, Hashable {
    case one
    /// As many as the run may use.
    case all
  }
}

/// A named input of a node type.
package struct InputPort: Sendable {
  package var name: String
  /// The names of the artefact types it takes; empty where it takes any.
  package var types: [String]
  package var isOptional: Bool
  /// Whether it takes a list of nodes.
  package var isList: Bool
  /// Whether it takes a map of nodes, under names that the user chooses: what is connected as `tokens` to a port `inputs`
  /// is at `inputs.tokens`.
  package var isNamed: Bool
  /// The fields with which it has an effect; always where there is none.
  ///
  /// Several ports may have one name when no two of their conditions can hold at once.
  package var condition: FieldCondition?
  package var doc: String

  package init(
    _ name: String, _ types: [String], optional: Bool = false, list: Bool = false, named: Bool = false,
    for condition: FieldCondition? = nil, doc: String
  ) {
    self.name = name
    self.types = types
    isOptional = optional
    isList = list
    isNamed = named
    self.condition = condition
    self.doc = doc
  }

  package func takes(_ type: String) -> Bool { types.isEmpty || types.contains(type) }

  /// What it takes, in words.
  var takenWords: String {
    let words = types.isEmpty ? "anything" : types.map { "`\($0)`" }.joined(separator: " or ")
    return isNamed ? "a map of names to \(words)" : words
  }
}

/// A named output of a node type.
package struct OutputPort: Sendable {
  package var name: String
  /// The name of the type of the artefact published here.
  package var type: String
  package var doc: String

  package init(_ name: String, _ type: String, doc: String) {
    self.name = name
    self.type = type
    self.doc = doc
  }
}

/// The inferred types of a node's inputs, by port (a list port has several), and what its inspection saw.
package struct InputTypes: Sendable {
  package struct Source: Sendable {
    /// The producing node and its output port, for messages.
    package var node: String
    package var output: String
    package var type: ArtefactType
    /// What the producing node's inspection saw, and ``Inference/known`` of it; empty where that is not known, as in a run.
    package var seen: [String: Facet]

    package init(node: String, output: String, type: ArtefactType, seen: [String: Facet] = [:]) {
      self.node = node
      self.output = output
      self.type = type
      self.seen = seen
    }
  }

  package var ports: [String: [Source]]
  /// What ``NodeType/inspection(_:)`` saw; empty when it looked at nothing.
  package var seen: [String: Facet]
  /// The node's fields that are given, whatever their values, members of groups as `optimizer.betas`: what has no effect
  /// with the inputs' facets is told by them.
  package var written: Set<String>

  package init(_ ports: [String: [Source]], seen: [String: Facet] = [:], written: Set<String> = []) {
    self.ports = ports
    self.seen = seen
    self.written = written
  }

  /// The type at a port that takes one node; nil when nothing is connected.
  package subscript(port: String) -> Source? { ports[port]?.first }
}

/// What a node type says about its outputs, and about inputs that do not fit together.
package struct Inference: Sendable {
  /// Two facets, or a facet and a field, that contradict each other.
  ///
  /// The engine says which nodes are meant.
  package struct Conflict: Sendable {
    /// The port or field the message points to, or what is inside of a field: `rewards[1].pattern`.
    package var port: String
    /// What is wrong, such as "Tokens were made by another tokenizer than the model's".
    package var summary: String
    package var reason: String?
    package var advice: String?

    package init(port: String, _ summary: String, reason: String? = nil, advice: String? = nil) {
      self.port = port
      self.summary = summary
      self.reason = reason
      self.advice = advice
    }
  }

  package var outputs: [String: ArtefactType]
  package var conflicts: [Conflict]
  /// What else is known of what it makes, for the plans of those that take it: as if its own inspection had seen it.
  package var known: [String: Facet]

  package init(outputs: [String: ArtefactType], conflicts: [Conflict] = [], known: [String: Facet] = [:]) {
    self.outputs = outputs
    self.conflicts = conflicts
    self.known = known
  }
}
