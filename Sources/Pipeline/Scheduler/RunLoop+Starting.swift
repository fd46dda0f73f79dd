import Diagnostics

extension RunLoop {
  /// Decides about every node whose inputs are known; what is cached is done at once and may make others known.
  func settle() {
    var taken: Set<Digest> = []
    for phase in phases.values {
      switch phase {
      case .ready(_, let preimage): taken.insert(preimage.key)
      case .running(let running): taken.insert(running.preimage.key)
      case .waiting, .ended: break
      }
    }
    for node in needed {
      guard case .waiting = phases[node.name], node.inputs.allSatisfy({ records[$0.node]?.result != nil }) else {
        continue
      }
      do { try settle(node, &taken) } catch { fail(node.name, diagnostics(of: error)) }
    }
  }

  private func settle(_ node: ResolvedNode, _ taken: inout Set<Digest>) throws {
    let planner = Planner(store: scheduler.store, forced: options.forced)
    var decision = try planner.decide(node) { records[$0]?.result }
    if case .run(.forced, let preimage) = decision, performers[preimage.key] != nil {
      decision = try Planner(store: scheduler.store).decide(node) { records[$0]?.result }
    }
    switch decision {
    case .runUnlessUnchanged: break
    case .cached(let result):
      scheduler.store.markUsed(result.key)
      finish(node.name, .cached, result)
    case .run(let reason, let preimage):
      // The same work under another name: its result will do.
      guard taken.insert(preimage.key).inserted else { return }
      if case .dead(let entry) = reason {
        hub.emit(.healing(node: node.name, entry))
        try scheduler.store.bury(preimage.key, entry)
      }
      phases[node.name] = .ready(reason, preimage)
    }
  }

  /// Starts ready nodes in the order of their priority as far as cores and memory allow.
  func startWhatFits() {
    let ready = phases.compactMap { name, phase -> (name: String, reason: RunReason, preimage: KeyPreimage)? in
      if case .ready(let reason, let preimage) = phase { (name, reason, preimage) } else { nil }
    }.sorted { a, b in
      let (x, y) = (priority[a.name] ?? 0, priority[b.name] ?? 0)
      return x == y ? a.name < b.name : x > y
    }
    for (name, reason, preimage) in ready {
      guard let node = byName[name] else { continue }
      let isHeavy = node.type.execution == .worker(cores: .all)
      let memory = node.settings.memory?.value ?? expected[name]?.peakMemory ?? 0
      if fits(isHeavy: isHeavy, memory: memory) { start(node, reason, preimage, isHeavy: isHeavy, memory: memory) }
    }
  }

  private func fits(isHeavy: Bool, memory: Int) -> Bool {
    let running = runningNodes.map(\.running)
    if running.isEmpty { return true }
    let (used, overflow) = running.reduce(0, { $0 + $1.memory }).addingReportingOverflow(memory)
    guard !overflow, used <= options.memory else { return false }
    return isHeavy ? !running.contains(where: \.isHeavy) : running.count { !$0.isHeavy } < options.cores
  }

  private func start(
    _ node: ResolvedNode, _ reason: RunReason, _ preimage: KeyPreimage, isHeavy: Bool, memory: Int
  ) {
    guard var record = records[node.name] else { return }
    record.attempts += 1
    record.reason = record.reason ?? reason
    record.preimage = preimage
    record.key = preimage.key
    records[node.name] = record
    var inputs: [ActionJob.Input] = []
    for binding in node.inputs {
      guard let artefact = records[binding.node]?.result?.outputs[binding.output] else { continue }
      inputs.append(
        ActionJob.Input(port: binding.port, node: binding.node, output: binding.output, artefact: artefact))
    }
    let isWorker = node.type.execution != .inProcess
    let job = ActionJob(
      node: node.name, type: node.type, fields: node.fields, inputs: inputs,
      sources: node.sources.map { ActionJob.Source(role: $0.role, path: $0.path, digest: $0.digest) },
      preimage: preimage, threads: isHeavy ? options.cores : 1)
    let stop = Cancellation()
    let now = steadyClock()
    phases[node.name] = .running(
      Running(
        preimage: preimage, stop: stop, started: now, deadline: node.settings.timeout.map { now + $0.value },
        isHeavy: isHeavy, memory: memory))
    hub.emit(
      .nodeStarted(
        node: node.name, type: node.type.name, key: preimage.key, reason: reason, attempt: record.attempts,
        isWorker: isWorker))
    let attempt = Attempt(
      job: job, isForced: reason == .forced, executor: isWorker ? scheduler.heavy : scheduler.light,
      store: scheduler.store, keeper: scheduler.keeper, log: scheduler.logPath(node.name), stop: stop, hub: hub)
    let name = node.name
    attempt.start { [mailbox] ending in mailbox.put(.ended(node: name, ending)) }
  }
}
