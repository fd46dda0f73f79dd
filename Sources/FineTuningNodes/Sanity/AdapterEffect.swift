import LanguageModels
import PreciseJSON

/// Whether an adapter changes every linear map that it stands beside.
package struct AdapterEffect: SanityCheck {
  package static let name = "adapter_effective"

  package var updates: [AdapterUpdate]

  package init(_ updates: [AdapterUpdate]) { self.updates = updates }

  /// Maps that the adapter changes nothing at.
  package var without: [String] { updates.filter { $0.size == 0 }.map(\.module) }
  /// Maps where nothing has a gradient, so that they stay as they are.
  package var dead: [String] { updates.filter(\.isDead).map(\.module) }

  package var verdict: SanityVerdict { without.isEmpty ? .fine : .warning }

  package var evidence: [(key: String, value: JSON)] {
    let norms = updates.map(\.size)
    return [
      ("maps", JSON(updates.count)), ("smallest_update", JSON(norms.min() ?? 0)),
      ("largest_update", JSON(norms.max() ?? 0)), ("without_update", .array(without.map { JSON($0) })),
    ]
  }
}

/// Whether an adapter that is to be trained further can learn at all.
package struct AdapterStart: SanityCheck {
  package static let name = "adapter_start"

  package var effect: AdapterEffect

  package init(_ updates: [AdapterUpdate]) { effect = AdapterEffect(updates) }

  package var verdict: SanityVerdict {
    if !effect.updates.isEmpty, effect.dead.count == effect.updates.count { return .error }
    return effect.verdict
  }

  package var evidence: [(key: String, value: JSON)] {
    effect.evidence + [("dead", .array(effect.dead.map { JSON($0) }))]
  }
}
