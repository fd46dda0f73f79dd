import Diagnostics

extension RunLoop {
  /// An attempt has ended.
  func ended(_ name: String, _ ending: Attempt.Ending) {
    guard case .running(let running) = board[name], var record = records[name] else { return }
    record.seconds = (record.seconds ?? 0) + steadyClock() - running.started
    if case .made(let outcome) = ending {
      record.notShared = outcome.notShared
      if let peak = outcome.peakMemory {
        record.peakMemory = max(record.peakMemory ?? 0, peak)
        record.measuredProcess = byName[name]?.execution == .inProcess ? .run : .worker
      }
    }
    records[name] = record
    switch ending {
    case .found(let result): finish(name, .cached, result)
    case .made(let outcome):
      switch outcome.result {
      case .success(let result):
        performers[result.key] = name
        if outcome.differs, record.reason?.expectsOthers != true {
          hub.emit(.differs(node: name, key: result.key, isReplaced: options.forced.contains(name)))
        } else if repeating.contains(name) {
          hub.emit(.agrees(node: name, key: result.key))
        }
        finish(name, .ran, result)
      case .failure(.lost(let blob, let damage)): heal(name, blob, damage)
      case .failure(.interrupted) where running.isTimedOut:
        retryOrFail(name, [Self.timedOut(name, byName[name])])
      case .failure(.interrupted): finish(name, .interrupted, nil)
      case .failure(.failed(let problems)): retryOrFail(name, problems)
      }
    }
  }

  func finish(_ name: String, _ state: NodeState, _ result: StoredResult?) {
    guard var record = records[name] else { return }
    record.state = state
    record.result = result
    if let result {
      record.key = result.key
      record.preimage = record.preimage ?? byName[name]?.actionPreimage { records[$0]?.result?.digests }
      if state == .cached { record.sameWorkAs = performers[result.key] }
    }
    end(record)
  }

  private func retryOrFail(_ name: String, _ problems: [Diagnostic]) {
    guard let record = records[name], let node = byName[name] else { return }
    guard record.attempts <= node.settings.retries, !cancellation.isRequested else { return fail(name, problems) }
    hub.emit(.retrying(node: name, attempt: record.attempts + 1, problems))
    board.move(name, to: .waiting)
  }

  func fail(_ name: String, _ problems: [Diagnostic]) {
    guard var record = records[name] else { return }
    hasFailure = true
    record.state = .failed
    record.problems = problems
    end(record)
  }

  static func timedOut(_ name: String, _ node: ResolvedNode?) -> Diagnostic {
    let seconds = node?.settings.timeout?.value ?? 0
    return Diagnostic(
      code: "timeout", "Node `\(name)` took longer than its timeout of \(duration(seconds))",
      advice: "raise `timeout`; a node that keeps checkpoints goes on where it stopped")
  }

  /// A node could not read an input: whoever made it makes it again, then the node has another try.
  private func heal(_ name: String, _ blob: BlobReference, _ damage: BlobDamage) {
    guard let node = byName[name] else { return }
    let problem = StoreError.blobLost(blob, damage)
    var culprits: [(node: String, file: String)] = []
    for binding in node.inputs {
      guard let artefact = records[binding.node]?.result?.outputs[binding.output] else { continue }
      if artefact.manifestBlob == blob {
        culprits.append((binding.node, "\(binding.output)/manifest.json"))
      } else if let member = artefact.members.first(where: { $0.blob == blob }) {
        culprits.append((binding.node, "\(binding.output)/\(member.path)"))
      }
    }
    // No input holds it: it belongs to a part of the node's own work, which the next attempt makes again.
    let repeated = culprits.isEmpty ? [name] : culprits.map(\.node)
    for culprit in Set(repeated) {
      healings[culprit, default: 0] += 1
      if healings[culprit, default: 0] > Self.healingLimit { return fail(name, problem.diagnostics) }
    }
    board.move(name, to: .waiting)
    for (producer, file) in culprits {
      let entry = DeadEntry.file(file, blob, damage)
      hub.emit(.healing(node: producer, entry))
      if let key = records[producer]?.key {
        do { try scheduler.store.bury(key, entry) } catch { return fail(name, diagnostics(of: error)) }
      }
      again(producer)
    }
  }

  /// Puts a node that has ended back to the start, and whatever was about to start from its result.
  private func again(_ name: String) {
    guard var record = records[name], case .ended = board[name] else { return }
    record.state = .notStarted
    record.result = nil
    records[name] = record
    if let node = byName[name], node.execution != .inProcess { awaitingWorker.insert(name) }
    board.move(name, to: .waiting)
    for consumer in consumers[name] ?? [] {
      guard case .ready = board[consumer] else { continue }
      ready.remove(consumer)
      board.move(consumer, to: .waiting)
    }
  }
}

/// A time span in words: `45 s`, `12 min`, `1 h 20 min`.
package func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0 else { return "?" }
  if seconds < 9.95 { return "\((seconds * 10).rounded() / 10) s" }
  let whole = Int(min(seconds, 1e12).rounded())
  if whole < 100 { return "\(whole) s" }
  let minutes = (whole + 30) / 60
  if minutes < 100 { return "\(minutes) min" }
  return minutes % 60 == 0 ? "\(minutes / 60) h" : "\(minutes / 60) h \(minutes % 60) min"
}
