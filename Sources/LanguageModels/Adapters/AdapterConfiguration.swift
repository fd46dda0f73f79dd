import PreciseJSON

/// An adapter as PEFT describes it: what it stands beside, what stands there, and what of the base is trained as well.
package struct AdapterConfiguration: Sendable {
  package var selection: AdapterSelection
  package var method: any AdapterMethod
  package var base: BaseTraining

  package init(_ selection: AdapterSelection, _ method: any AdapterMethod, base: BaseTraining = .none) {
    self.selection = selection
    self.method = method
    self.base = base
  }

  /// The probability that training drops an element of what the adapter reads.
  package var dropout: Float { method.dropout }

  /// - Throws: ``AdapterError`` for numbers that no adapter has.
  package func validate() throws(AdapterError) {
    try selection.validate()
    try method.validate()
  }

  /// Whether a tensor has no gradient before others have moved, by its name.
  package func movesLate(_ name: String) -> Bool { type(of: method).movesLate.contains { name.hasSuffix($0) } }
}

extension AdapterConfiguration: Hashable {
  package static func == (some: Self, other: Self) -> Bool {
    some.selection == other.selection && some.base == other.base && some.method.isEqual(other.method)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(selection)
    hasher.combine(base)
    hasher.combine(method)
  }
}
