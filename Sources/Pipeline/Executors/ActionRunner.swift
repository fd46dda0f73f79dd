import Diagnostics

/// How an action ended, other than with a result.
package enum ActionFailure: Error, Sendable {
  case failed([Diagnostic])
  /// It stopped on request; what it saved stays for the next run.
  case interrupted
  /// It could not read an input: its producer must make it again.
  case lost(BlobReference, BlobDamage)
}

/// Performs one action in the calling thread: runs the node, checks and publishes what it made.
struct ActionRunner: Sendable {
  let store: Store
  let keeper: LeaseKeeper
  let remotes: RemoteCaches
  let check: PublicationCheck
  /// This program, for what has to run beside it.
  let helper: [String]

  /// - Returns: The result that now stands under the job's key, and whether another one was made than stood there before.
  func perform(
    _ job: ActionJob, cancellation: Cancellation, report: @escaping NodeReport.Receiver
  ) throws(ActionFailure) -> (result: StoredResult, differs: Bool) {
    // Before hours of work, not after them: can the store be written at all?
    do { try store.files.makeFolder(job.staging) } catch { throw .failed(diagnostics(of: error)) }
    let context = NodeContext(
      job: job, store: store, keeper: keeper, remotes: remotes, check: check, helper: helper,
      cancellation: cancellation, report: report)
    let began = job.type.readsOutside ? wallClock() : nil
    do {
      let inference = try inferred(job)
      try job.type.run(job.fields, in: context)
      let outputs = try outputs(of: job, context, inference)
      try context.checkReading()
      try checkAnswer(of: job)
      let published = try Publisher(store: store, check: check).publish(
        outputs, preimage: job.preimage, parts: context.parts, unflushed: context.unflushed, replaces: job.isForced,
        began: began)
      try? store.files.removeTree(store.checkpointPlace(job.key))
      return published
    } catch {
      if let lost = context.lost { throw .lost(lost.blob, lost.damage) }
      if case StoreError.blobLost(let blob, let damage) = error { throw .lost(blob, damage) }
      if error is Interrupted { throw .interrupted }
      if let lost = lostInput(of: job) { throw lost }
      // What is wrong with a file that changed meanwhile says less than that it did.
      throw .failed(diagnostics(of: context.changedSource() ?? error))
    }
  }

  /// Asks once more what is in the key: a program that was replaced meanwhile has made something else.
  private func checkAnswer(of job: ActionJob) throws {
    guard let question = job.type.validity(job.fields).question,
      case .text(let old)? = job.preimage[question.label]
    else { return }
    let new = try question.answer()
    if new != old { throw VersionError(question, .changed(old: old, new: new)) }
  }

  /// An input that is gone or damaged now: it may have vanished between the node's asking for its path and the reading.
  private func lostInput(of job: ActionJob) -> ActionFailure? {
    for member in job.inputs.flatMap(\.artefact.members) {
      switch try? store.state(of: member.blob) {
      case .missing: return .lost(member.blob, .missing)
      case .corrupt: return .lost(member.blob, .corrupt)
      case .good, nil: break
      }
    }
    return nil
  }

  /// The output types by the types that the inputs really have.
  ///
  /// At plan time some facets were unknown.
  private func inferred(_ job: ActionJob) throws -> Inference {
    var ports: [String: [InputTypes.Source]] = [:]
    for input in job.inputs {
      ports[input.port, default: []].append(
        InputTypes.Source(node: input.node, output: input.output, type: input.artefact.type))
    }
    let seen = try job.type.inspection(job.fields, NodeSources(job.sources)).map { inspection in
      // What planning saw in files of these digests need not be looked at again.
      let digests = job.sources.map(\.digest)
      return try Inspector.known(inspection, by: job.type, digests: digests, store.sources) ?? inspection.read()
    }
    let inference = try job.type.infer(job.fields, InputTypes(ports, seen: seen ?? [:], written: job.fields.written))
    guard inference.conflicts.isEmpty else {
      throw DiagnosticList(
        inference.conflicts.map { conflict in
          Diagnostic(
            code: "conflict", "\(conflict.summary), at node `\(job.node)`", path: "nodes.\(job.node).\(conflict.port)",
            reason: conflict.reason, advice: conflict.advice)
        })
    }
    return inference
  }

  private func outputs(
    of job: ActionJob, _ context: NodeContext, _ inference: Inference
  ) throws -> [Publisher.Output] {
    let builders = context.builders
    return try job.type.outputs(job.fields).map { port in
      guard let builder = builders[port.name] else { throw StoreError.missingOutput(port: port.name, node: job.node) }
      let staged = try builder.staged()
      let announced = inference.outputs[port.name] ?? ArtefactType(port.type)
      var type = staged.type ?? announced
      guard type.name == port.type else {
        throw StoreError.wrongOutputType(port: port.name, node: job.node, expected: port.type, found: type.name)
      }
      for (facet, value) in announced.facets.sorted(by: { $0.key < $1.key }) {
        if let found = type.facets[facet], found != value {
          throw StoreError.wrongFacet(
            port: port.name, node: job.node, facet: facet, expected: value.description, found: found.description)
        }
        type.facets[facet] = value
      }
      return Publisher.Output(port: port.name, type: type, staged: staged)
    }
  }
}
