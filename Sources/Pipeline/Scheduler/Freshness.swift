/// How old a result is, and for how long it stays good.
package struct Freshness: Sendable, Hashable {
  /// Seconds since the work began that made it; nil where the result does not say.
  package var age: Double?
  /// Seconds.
  package var limit: Double

  /// Whether the result is still good.
  ///
  /// One of the future proves nothing: the clock was wrong then or is now.
  package var isFresh: Bool { age.map { $0 >= 0 && $0 < limit } ?? false }

  /// `3 h old, fresh for 21 h more`, or what makes it stale.
  package var words: String {
    guard let age else { return "nothing says how old its result is" }
    guard age >= 0 else { return "its result is of a time to come: the clock was wrong then, or is now" }
    return isFresh
      ? "\(duration(age)) old, fresh for \(duration(limit - age)) more"
      : "its result is \(duration(age)) old and was fresh for \(duration(limit))"
  }
}

extension ResolvedNode {
  /// How old a result of the node is; nil where its results do not go stale.
  ///
  /// - Parameter now: Nanoseconds since 1970.
  func freshness(of result: StoredResult, now: Int64) -> Freshness? {
    guard let limit = settings.freshFor?.value, type.readsOutside else { return nil }
    return Freshness(age: result.began.map { Double(now - $0) / 1e9 }, limit: limit)
  }

  /// Why the node runs although there is a result under its key; nil where such a result will do.
  func reasonToRepeat(_ result: StoredResult?, now: Int64) -> RunReason? {
    if settings.freshFor == nil, case .unknown = type.validity(fields) { return .unversioned }
    guard let result, let freshness = freshness(of: result, now: now), !freshness.isFresh else { return nil }
    return .stale(freshness)
  }

  /// Whether its results are of this store alone: others cannot tell whether they hold.
  package var isLocal: Bool {
    if case .unknown = type.validity(fields) { return true }
    return type.readsOutside && settings.freshFor != nil
  }
}
