import Diagnostics

extension GraphBuilder {
  // MARK: Sources and types

  /// Looks at a node's sources and infers its types, once all its producers are done.
  mutating func check(_ index: Int, _ sources: any SourceDigester, _ inspector: inout Inspector) {
    guard let type = drafts[index].type, let fields = drafts[index].fields else { return }
    for port in type.outputs(fields) { drafts[index].outputTypes[port.name] = ArtefactType(port.type) }
    guard !drafts[index].isBroken else { return }
    do {
      drafts[index].requests = try type.sources(fields)
      for request in drafts[index].requests { try exists(request, sources) }
      guard var inputs = inputTypes(index) else {
        drafts[index].isBroken = true
        return
      }
      if let inspection = try type.inspection(fields, NodeSources(drafts[index].requests)) {
        inputs.seen = try inspector.facets(of: inspection, by: type, for: drafts[index].name)
        drafts[index].seen = inputs.seen
      }
      let inference = try type.infer(fields, inputs)
      for (port, inferred) in inference.outputs { drafts[index].outputTypes[port] = inferred }
      drafts[index].seen.merge(inference.known) { $1 }
      for conflict in inference.conflicts { report(conflict, index) }
      if !inference.conflicts.isEmpty { drafts[index].isBroken = true }
    } catch {
      report(error, index)
      drafts[index].isBroken = true
    }
  }

  private func exists(_ request: SourceRequest, _ sources: any SourceDigester) throws {
    guard let found = try sources.kind(of: request.path) else { throw SourceError(path: request.path, .missing) }
    if let wanted = request.kind, wanted != found {
      throw SourceError(path: request.path, .wrongKind(found: found, wanted: wanted))
    }
  }

  /// The types at a node's inputs; nil when a producer's are not known because of a reported problem.
  private func inputTypes(_ consumer: Int) -> InputTypes? {
    var ports: [String: [InputTypes.Source]] = [:]
    for reference in drafts[consumer].references {
      let binding = reference.binding
      guard let producer = index(of: binding.node), !drafts[producer].isBroken,
        let type = drafts[producer].outputTypes[binding.output]
      else { return nil }
      ports[binding.port, default: []].append(
        InputTypes.Source(
          node: binding.node, output: binding.output, type: type, seen: drafts[producer].seen))
    }
    return InputTypes(ports, written: drafts[consumer].fields?.written ?? [])
  }

  private mutating func report(_ conflict: Inference.Conflict, _ index: Int) {
    let draft = drafts[index]
    let references = draft.references.filter { $0.binding.port == conflict.port }
    var told: Set<String> = []
    let producers = references.map { reference in
      let outputs = self.index(of: reference.binding.node).flatMap { drafts[$0].outputs?.count } ?? 1
      let output = outputs == 1 ? reference.binding.node : "\(reference.binding.node).\(reference.binding.output)"
      return "`\(reference.binding.port)` from `\(output)`"
    }.filter { told.insert($0).inserted }
    let related = references.compactMap { reference in
      !told.insert(reference.binding.node).inserted
        ? nil
        : self.index(of: reference.binding.node).map {
          Diagnostic.Related("node `\(reference.binding.node)` is here", at: drafts[$0].key.mark.place)
        }
    }
    problems.append(
      LanguageProblem.conflict(conflict, node: draft.name, producers: producers).diagnostic(
        at: draft.mark(of: conflict.port), path: "\(draft.path).\(conflict.port)", related: related))
  }

  /// Reports an error about a node's sources at the field that names the file.
  private mutating func report(_ error: any Error, _ index: Int) {
    let draft = drafts[index]
    let path = (error as? SourceError)?.path
    let field =
      draft.paths.first { $0.text == path }
      ?? draft.paths.filter { path?.hasPrefix($0.text) == true }.max { $0.text.utf8.count < $1.text.utf8.count }
      ?? word(draft.requests.first { $0.path == path }, draft) ?? (draft.paths.count == 1 ? draft.paths[0] : nil)
    for var diagnostic in Diagnostics.diagnostics(of: error) {
      // An error inside the source keeps its own place; the field is where it comes from.
      if let place = diagnostic.place {
        diagnostic.related.insert(Diagnostic.Related("what is wrong is here", at: place), at: 0)
      }
      let mark = field?.value.mark ?? draft.key.mark
      diagnostic.place = mark.place
      diagnostic.excerpt = mark.excerpt
      diagnostic.path = field?.path ?? draft.path
      diagnostic.related += field?.value.origin ?? []
      problems.append(diagnostic)
    }
  }

  /// Reports an error at a field of a node.
  private mutating func report(_ error: any Error, at field: String, of draft: NodeDraft) {
    let mark = draft.mark(of: field)
    for var diagnostic in Diagnostics.diagnostics(of: error) {
      diagnostic.place = mark.place
      diagnostic.excerpt = mark.excerpt
      diagnostic.path = "\(draft.path).\(field)"
      problems.append(diagnostic)
    }
  }

  /// The text that names a source whose role is its place among the fields: a word of a command.
  private func word(_ request: SourceRequest?, _ draft: NodeDraft) -> FieldDecoder.LocatedPath? {
    guard let request, let value = draft.written(at: request.role).value else { return nil }
    return FieldDecoder.LocatedPath(text: request.path, value: value, path: "\(draft.path).\(request.role)")
  }

  // MARK: Digests and keys

  /// The needed nodes with the digests of their sources, each read once, and their keys.
  mutating func digest(needed: Set<String>, _ sources: any SourceDigester) -> [ResolvedNode] {
    var digests: [String: (digest: Digest, size: Int)] = [:]
    var keys: [String: Digest] = [:]
    var answers: [VersionQuestion: String] = [:]
    var nodes: [ResolvedNode] = []
    for index in order where needed.contains(drafts[index].name) {
      let draft = drafts[index]
      guard let type = draft.type, let fields = draft.fields else { continue }
      var resolved: [ResolvedNode.ResolvedSource] = []
      for request in draft.requests {
        do {
          let found = try digests[request.path] ?? sources.digest(path: request.path)
          digests[request.path] = found
          resolved.append(
            ResolvedNode.ResolvedSource(
              role: request.role, index: resolved.count { $0.role == request.role }, path: request.path,
              digest: found.digest, size: found.size))
        } catch {
          report(error, index)
        }
      }
      var answer: String?
      if let question = type.validity(fields).question {
        do {
          answer = try answers[question] ?? sources.answer(to: question)
          answers[question] = answer
        } catch {
          report(error, at: question.field, of: draft)
        }
      }
      let inputs = draft.references.map(\.binding)
      let preimage = ResolvedNode.planPreimage(type, fields, resolved, answer, inputs) { keys[$0] }
      keys[draft.name] = preimage.key
      nodes.append(
        ResolvedNode(
          name: draft.name, type: type, fields: fields, inputs: inputs, sources: resolved, answer: answer,
          outputTypes: draft.outputTypes, seen: draft.seen, planPreimage: preimage, planKey: preimage.key,
          place: draft.key.mark.place, settings: draft.settings, member: document.members[draft.name]))
    }
    return nodes
  }
}
