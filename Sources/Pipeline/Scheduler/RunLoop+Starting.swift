import Diagnostics

extension RunLoop {
  /// Decides about every node whose inputs are known; what is cached is done at once and may make others known.
  func settle() {
    while let name = board.nextUndecided() {
      guard let node = byName[name], node.inputs.allSatisfy({ records[$0.node]?.result != nil }) else { continue }
      do { try settle(node) } catch { fail(node.name, diagnostics(of: error)) }
    }
  }

  private func settle(_ node: ResolvedNode) throws {
    let planner = Planner(
      store: scheduler.store, forced: options.forced, madeSince: options.madeSince, clock: scheduler.clock)
    let decision = try planner.decide(
      node, known: { records[$0]?.result?.digests }, wasMade: { performers[$0] != nil })
    switch decision {
    // An attempt asks remote caches itself: what is fetched takes its time.
    case .runUnlessUnchanged, .runOnceKnown, .fetch: break
    case .cached(let result):
      scheduler.store.markUsed(result.key)
      finish(node.name, .cached, result)
    case .run(let reason, let preimage):
      // The same work under another name: its result will do.
      guard !board.awaits(preimage.key, for: node.name) else { return }
      if case .dead(let entry) = reason {
        hub.emit(.healing(node: node.name, entry))
        try scheduler.store.bury(preimage.key, entry)
      }
      board.move(node.name, to: .ready(reason, preimage))
      ready.insert(
        ReadyQueue.Entry(
          name: node.name, priority: priority[node.name] ?? 0, isHeavy: node.execution == .worker(cores: .all),
          memory: node.settings.memory?.value ?? expected[node.name]?.peakMemory ?? 0, isElsewhere: isElsewhere(node)))
    }
  }

  /// Starts ready nodes in the order of their priority as far as cores and memory allow.
  func startWhatFits() {
    while let entry = ready.popFirst(isFull: fullness, where: fits) {
      guard let node = byName[entry.name], case .ready(let reason, let preimage) = board[entry.name] else { continue }
      start(node, reason, preimage, entry)
    }
  }

  private func isElsewhere(_ node: ResolvedNode) -> Bool {
    node.execution != .inProcess && scheduler.heavy.places != nil
  }

  /// What takes cores and memory of this machine.
  private var runningHere: [NodeBoard.Running] { board.running.values.filter { !$0.isElsewhere } }

  /// Whether the cores leave no room for a light node, and for a heavy one.
  private var fullness: (light: Bool, heavy: Bool) {
    let running = runningHere
    // What runs elsewhere may start whatever is going on here.
    if running.isEmpty || scheduler.heavy.places != nil { return (false, false) }
    return crowding(running)
  }

  private func crowding(_ running: [NodeBoard.Running]) -> (light: Bool, heavy: Bool) {
    (running.count { !$0.isHeavy } >= options.cores, running.contains(where: \.isHeavy))
  }

  private func fits(_ entry: ReadyQueue.Entry) -> Bool {
    if entry.isElsewhere { return board.running.values.count { $0.isElsewhere } < scheduler.heavy.places ?? 1 }
    let running = runningHere
    if running.isEmpty { return true }
    let (used, overflow) = running.reduce(0, { $0 + $1.memory }).addingReportingOverflow(entry.memory)
    guard !overflow, used <= options.memory else { return false }
    return entry.isHeavy ? !crowding(running).heavy : !crowding(running).light
  }

  private func start(
    _ node: ResolvedNode, _ reason: RunReason, _ preimage: KeyPreimage, _ entry: ReadyQueue.Entry
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
    if reason == .forced, case .found? = try? scheduler.store.result(for: preimage.key) { repeating.insert(node.name) }
    let isWorker = node.execution != .inProcess
    var job = ActionJob(
      node: node.name, type: node.type, fields: node.fields, inputs: inputs,
      sources: node.sources.map { ActionJob.Source(role: $0.role, path: $0.path, digest: $0.digest) },
      preimage: preimage, threads: entry.isHeavy ? options.cores : 1,
      staging: scheduler.store.newTemporaryPlace(), isForced: reason.repeats)
    if entry.isElsewhere { job.demand = JobDemand(node, past: expected[node.name], among: byName) }
    let stop = Cancellation(ofRun: cancellation)
    let now = steadyClock()
    board.move(
      node.name,
      to: .running(
        NodeBoard.Running(
          preimage: preimage, stop: stop, started: now,
          // Elsewhere it may wait for its turn: its time is watched over there.
          deadline: entry.isElsewhere ? nil : node.settings.timeout.map { now + $0.value },
          isInProcess: !isWorker, isHeavy: entry.isHeavy, memory: entry.memory, isElsewhere: entry.isElsewhere)))
    hub.emit(
      .nodeStarted(
        node: node.name, type: node.type.name, key: preimage.key, reason: reason, attempt: record.attempts,
        isWorker: isWorker))
    let attempt = Attempt(
      job: job, executor: isWorker ? scheduler.heavy : scheduler.light,
      store: scheduler.store, keeper: scheduler.keeper, remotes: node.isLocal ? RemoteCaches() : scheduler.remotes,
      log: scheduler.logPath(node.name), stop: stop, hub: hub)
    awaitingWorker.remove(node.name)
    // While a light node runs, the process for the next heavy one starts.
    if !isWorker, !awaitingWorker.isEmpty { scheduler.heavy.prepare() }
    let name = node.name
    attempt.start(in: attempts) { [mailbox] ending in mailbox.put(.ended(node: name, ending)) }
  }
}
