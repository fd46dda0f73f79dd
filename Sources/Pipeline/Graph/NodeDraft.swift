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

  /// The node's outputs; nil where they are not known because of a reported problem.
  var outputs: [OutputPort]? {
    guard let type, let fields else { return nil }
    let outputs = type.outputs(fields)
    return outputs.isEmpty && isBroken ? nil : outputs
  }

  init(_ pair: LocatedValue.Pair) {
    name = pair.key.text
    key = pair.key
    map = pair.value
  }

  /// The place of what was written for a port or field, or for what is inside of one: `rewards[1].pattern`.
  ///
  /// Where that is not written it is the place of what is around it, in the end the node's own.
  func mark(of name: String) -> Mark { written(at: name).mark }

  /// What was written at a place in the node, nil when nothing is, and the mark of it or of what is around it.
  func written(at name: String) -> (value: LocatedValue?, mark: Mark) {
    var (value, mark) = (map, key.mark)
    for part in name.split(whereSeparator: { ".[]".contains($0) }) {
      switch value.content {
      // A single value stands for a list of one.
      case _ where part == "0" && !value.isList: continue
      case .list(let items):
        guard let index = Int(part), items.indices.contains(index) else { return (nil, mark) }
        value = items[index]
      default:
        guard let inner = value[String(part)] else { return (nil, mark) }
        value = inner
      }
      mark = value.mark
    }
    return (value, mark)
  }
}

extension NodeDraft {
  /// Reads the node's type, fields, settings and what its ports hold.
  mutating func read(registry: NodeRegistry) -> [Diagnostic] {
    guard !map.isBroken else {
      isBroken = true
      return []
    }
    guard case .map(let pairs) = map.content else {
      isBroken = true
      return [problem(.nodeNotMap(name, found: map.kindWords), at: map.mark)]
    }
    guard let written = map["type"] else {
      isBroken = true
      // `{type:train}` is a key of that name to YAML.
      if let glued = pairs.first(where: { $0.key.text.hasPrefix("type:") }) {
        let problem = LanguageProblem.syntax(problem: "found unexpected ':'", context: nil, contextMark: nil)
        return [self.problem(problem, at: glued.key.mark)]
      }
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
    // What is missing is missing from the node as a whole: its name is the place.
    var owner = map
    owner.mark = key.mark
    let fields = type.read(pairs, &decoder)
    self.fields = fields
    let known = Set(type.fields.map(\.name))
    for pair in pairs where pair.key.text != "type" && !known.contains(pair.key.text) {
      let ports = type.inputs.filter { $0.name == pair.key.text }
      if let setting = NodeSettings.fields.first(where: { $0.name == pair.key.text }) {
        decoder.read(setting, pair, into: &settings)
        if setting.name == NodeSettings.freshness, settings.freshFor != nil, !type.readsOutside {
          decoder.path.append(setting.name)
          decoder.report(.idleFreshness(type: type.name), pair.value)
          decoder.path.removeLast()
        }
      } else if ports.isEmpty {
        reportUnknown(pair.key, type, fields, &decoder)
      } else {
        read(pair, ports, fields, &decoder)
      }
    }
    fields.reportMissing(at: owner, &decoder)
    paths = decoder.paths
    places = decoder.places
    isBroken = !decoder.diagnostics.isEmpty || decoder.metBrokenValue
    return decoder.diagnostics + missingPorts(type, fields, decoder.scope)
  }

  /// Reads what is written at an input port, of which there may be several of one name for different fields.
  private mutating func read(
    _ pair: LocatedValue.Pair, _ ports: [InputPort], _ fields: AnyFields, _ decoder: inout FieldDecoder
  ) {
    let verdicts = ports.map { fields.verdict(of: $0.condition, unreadable: decoder.scope.unreadable) }
    let isOff = pair.value.isNull && ports.contains(where: \.isOptional)
    if let index = verdicts.firstIndex(where: \.holds) ?? verdicts.firstIndex(where: \.isUndecided) {
      // An optional input may be switched off with null.
      if !(pair.value.isNull && ports[index].isOptional) { self.ports.append((ports[index], pair.value)) }
    } else if !isOff {
      decoder.reportNoEffect(pair.key, ports.compactMap(\.condition), verdicts) { fields.texts(of: $0) }
    }
  }

  private func reportUnknown(
    _ key: LocatedValue.Key, _ type: AnyNodeType, _ fields: AnyFields, _ decoder: inout FieldDecoder
  ) {
    var (names, idle) = fields.names
    let ports = type.inputs.filter {
      !fields.verdict(of: $0.condition, unreadable: decoder.scope.unreadable).isFailed
    }.map(\.name)
    idle += FieldDecoder.IdleName.all(type.inputs.map { ($0.name, $0.condition) }, but: ports)
    names += ports
    let inside = type.fields.filter { field in
      guard case .group(let members) = field.kind else { return false }
      return members.contains { $0.name == key.text }
    }.map(\.name)
    decoder.reportUnknown(
      key, .unknownKey(key.text, node: name, type: type.name, among: names, idle: idle, inside: inside),
      among: names + NodeSettings.fields.map(\.name))
  }

  private mutating func missingPorts(
    _ type: AnyNodeType, _ fields: AnyFields, _ scope: FieldDecoder.Scope
  ) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    for port in type.inputs where !port.isOptional && map[port.name] == nil {
      guard fields.verdict(of: port.condition, unreadable: scope.unreadable).holds else { continue }
      isBroken = true
      guard !scope.suggested.contains(port.name) else { continue }
      problems.append(
        problem(.missingPort(port.name, types: port.types, advice: "`\(port.name): NODE`"), at: key.mark))
    }
    return problems
  }

  func problem(_ problem: LanguageProblem, at mark: Mark) -> Diagnostic { problem.diagnostic(at: mark, path: path) }
}
