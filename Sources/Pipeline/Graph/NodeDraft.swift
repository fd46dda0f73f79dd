import Diagnostics

/// A node of the file on its way to being resolved.
struct NodeDraft {
  /// A value at an input port that names a producer.
  struct Reference {
    var binding: ResolvedNode.InputBinding
    var value: LocatedValue
    var path: String
  }

  let name: String
  let key: LocatedValue.Key
  /// The node's map.
  let map: LocatedValue
  var type: AnyNodeType?
  var fields: AnyFields?
  var settings = NodeSettings()
  var paths: [FieldDecoder.LocatedPath] = []
  var places: [FieldDecoder.LocatedPath] = []
  /// What was written at the input ports, by port.
  var ports: [(port: InputPort, value: LocatedValue)] = []
  var references: [Reference] = []
  /// Whether something about the node is wrong and reported, so that what follows from it is not.
  var isBroken = false
  var requests: [SourceRequest] = []
  var outputTypes: [String: ArtefactType] = [:]
  /// What the inspection saw.
  var seen: [String: Facet] = [:]

  var path: String { "nodes.\(name)" }

  init(_ pair: LocatedValue.Pair) {
    name = pair.key.text
    key = pair.key
    map = pair.value
  }

  /// The place of what was written for a port or field; the node's own when there is nothing.
  func mark(of name: String) -> Mark { map[name]?.mark ?? key.mark }
}

extension NodeDraft {
  /// Reads the node's type, fields, settings and what its ports hold.
  mutating func read(registry: NodeRegistry) -> [Diagnostic] {
    guard case .map(let pairs) = map.content else {
      isBroken = true
      return map.isBroken ? [] : [problem(.nodeNotMap(name, found: map.kindWords), at: map.mark)]
    }
    guard let written = map["type"] else {
      isBroken = true
      return [problem(.nodeWithoutType(name, types: registry.names), at: key.mark)]
    }
    var decoder = FieldDecoder(path: ["nodes", name])
    decoder.path.append("type")
    guard let typeName = decoder.scalar(written, wanted: "the name of a node type")?.text else {
      isBroken = true
      return decoder.diagnostics
    }
    guard let type = registry[typeName] else {
      isBroken = true
      decoder.report(.unknownType(typeName, among: registry.names), written)
      return decoder.diagnostics
    }
    decoder.path.removeLast()
    self.type = type
    let fieldNames = type.fieldNames
    let settingNames = NodeSettings.fields.map(\.name)
    let names = fieldNames + type.inputs.map(\.name)
    for pair in pairs where pair.key.text != "type" {
      if let port = type.input(pair.key.text) {
        // An optional input may be switched off with null.
        if !(pair.value.isNull && port.isOptional) { ports.append((port, pair.value)) }
      } else if settingNames.contains(pair.key.text) {
        for field in NodeSettings.fields where field.name == pair.key.text {
          decoder.read(field, pair, into: &settings)
        }
      } else if !fieldNames.contains(pair.key.text) {
        decoder.reportUnknown(
          pair.key, .unknownKey(pair.key.text, node: name, type: type.name, among: names),
          among: names + settingNames)
      }
    }
    // What is missing is missing from the node as a whole: its name is the place.
    var owner = map
    owner.mark = key.mark
    fields = type.read(pairs, of: owner, &decoder)
    paths = decoder.paths
    places = decoder.places
    isBroken = !decoder.diagnostics.isEmpty || decoder.metBrokenValue
    return decoder.diagnostics + missingPorts(type, suggested: decoder.suggested)
  }

  private mutating func missingPorts(_ type: AnyNodeType, suggested: Set<String>) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    for port in type.inputs where !port.isOptional && map[port.name] == nil {
      isBroken = true
      guard !suggested.contains(port.name) else { continue }
      problems.append(
        problem(.missingPort(port.name, types: port.types, advice: "`\(port.name): NODE`"), at: key.mark))
    }
    return problems
  }

  func problem(_ problem: LanguageProblem, at mark: Mark) -> Diagnostic { problem.diagnostic(at: mark, path: path) }
}
