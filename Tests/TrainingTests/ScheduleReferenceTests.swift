import PreciseJSON
import TestKit
import Testing
import Training

/// Every schedule at every step against transformers' and torch's, and the formulas that stand in neither.
///
/// Expected values: scripts/reference/schedules.py.
@Suite struct ScheduleReferenceTests {
  /// What we have of a schedule of the fixtures; nil where there is none.
  private func schedule(_ name: String, _ settings: JSON, peak: Double) -> (any Schedule)? {
    func number(_ key: String) -> Double? { settings[key]?.double }
    switch name {
    case "constant", "constant_with_warmup": return ConstantSchedule()
    case "linear": return LinearSchedule()
    case "cosine", "cosine_with_min_lr", "cosine_with_constant_tail":
      var cosine = CosineSchedule()
      cosine.cycles = number("num_cycles") ?? 0.5
      cosine.floor = number("min_lr_rate") ?? number("min_lr_ratio") ?? number("min_lr").map { $0 / peak } ?? 0
      cosine.tail = number("constant_lr_ratio").map { 1 - $0 } ?? 0
      return cosine
    case "cosine_with_restarts":
      var cosine = RestartingCosineSchedule()
      cosine.cycles = settings["num_cycles"]?.int ?? 1
      return cosine
    case "polynomial":
      var polynomial = PolynomialSchedule()
      polynomial.power = number("power") ?? 1
      polynomial.floor = (number("lr_end") ?? 1e-7) / peak
      return polynomial
    case "inverse_sqrt":
      var root = InverseSquareRootSchedule()
      root.timescale = settings["timescale"]?.int
      return root
    case "warmup_stable_decay":
      guard settings["num_cycles"] == nil else { return nil }
      var stable = StableSchedule()
      stable.decaySteps = settings["num_decay_steps"]?.int
      stable.decayShape = settings["decay_type"]?.string.flatMap(StableSchedule.Shape.init(rawValue:)) ?? .cosine
      stable.warmupShape = settings["warmup_type"]?.string.flatMap(StableSchedule.Shape.init(rawValue:)) ?? .linear
      stable.floor = number("min_lr_ratio") ?? 0
      return stable
    case "rex":
      var rex = ReflectedExponentialSchedule()
      rex.alpha = number("alpha") ?? 0.5
      rex.floor = number("min_lr_ratio") ?? 0
      return rex
    case "one_cycle":
      var cycle = OneCycleSchedule()
      cycle.rise = number("pct_start") ?? 0.3
      cycle.shape = settings["anneal_strategy"] == "linear" ? .linear : .cosine
      cycle.isSymmetric = settings["three_phase"]?.bool ?? false
      cycle.startDivisor = number("div_factor") ?? 25
      cycle.endDivisor = number("final_div_factor") ?? 1e4
      return cycle
    case "reduce_lr_on_plateau":
      guard settings["mode"] == nil, settings["eps"] == nil else { return nil }
      var plateau = PlateauSchedule()
      plateau.factor = number("factor") ?? 0.1
      plateau.patience = settings["patience"]?.int ?? 10
      plateau.threshold = number("threshold") ?? 1e-4
      plateau.measure = settings["threshold_mode"] == "abs" ? .absolute : .relative
      plateau.cooldown = settings["cooldown"]?.int ?? 0
      plateau.floor = number("min_lr").map { $0 / peak } ?? 0
      return plateau
    default: return nil
    }
  }

  @Test func everyStepAgrees() throws {
    let file = try readJSON(fixture("Schedules/schedules.json"))
    let peak = try #require(file["peak"]?.double)
    var seen: Set<String> = []
    for entry in try #require(file["schedules"]?.array) {
      let name = try #require(entry["name"]?.string)
      let settings = try #require(entry["settings"])
      guard let schedule = schedule(name, settings, peak: peak) else { continue }
      try schedule.validate()
      seen.insert(type(of: schedule).name)
      let factors = try #require(entry["factors"]?.array).compactMap(\.double)
      let losses = entry["metrics"]?.array?.compactMap(\.double)
      let total = entry["total"]?.int ?? 100
      let given = entry["warmup"]?.double ?? 0
      let warmup: LearningRateSchedule.Warmup = given < 1 ? .ratio(given) : .steps(Int(given))
      let whole = LearningRateSchedule(of: schedule, warmup: name == "constant" ? .steps(0) : warmup)
      for (step, expected) in factors.enumerated() {
        // One more loss is known after each; the last factor of others is where they end.
        let found = whole.factor(
          step: step, total: total, peak: peak, heldOutLosses: losses.map { Array($0.prefix(step + 1)) } ?? [])
        #expect(abs(found - expected) < 1e-12, "\(name) \(settings.text()) of \(total), warm-up \(given), step \(step)")
      }
    }
    // A range test is no schedule of anybody's: its rates are its definition, which its own test holds.
    #expect(seen == Set(scheduleKinds.map { $0.name }).subtracting([RangeTestSchedule.name]))
  }

  /// A range test rises by one factor from step to step, from its floor to the peak.
  @Test func aRangeTestRisesByOneFactor() {
    var schedule = RangeTestSchedule()
    schedule.floor = 1e-3
    let factors = (0..<4).map {
      LearningRateSchedule(of: schedule, warmup: .steps(0)).factor(step: $0, total: 4, peak: 1, heldOutLosses: [])
    }
    for (own, wanted) in zip(factors, [1e-3, 1e-2, 1e-1, 1]) { #expect(abs(own - wanted) < 1e-12 * wanted) }
  }

  /// A rate of nothing, one step, a warm-up longer than the training: nothing is not a number.
  @Test func oddLengths() {
    for kind in scheduleKinds {
      for (total, warmup) in [(1, 0), (1, 1), (2, 5), (3, 3), (4, 1)] {
        for step in 0..<total {
          let factor = LearningRateSchedule(of: kind.init(), warmup: .steps(warmup)).factor(
            step: step, total: total, peak: 0, heldOutLosses: [1, .infinity, 2])
          #expect(factor.isFinite && factor >= 0 && factor <= 1, "\(kind.name), \(step) of \(total) after \(warmup)")
        }
      }
    }
  }

  /// Every stored property is a constant that people may choose.
  @Test func everyPropertyIsASetting() {
    for kind in scheduleKinds as [any Tunable.Type] + optimizerKinds as [any Tunable.Type] {
      func count<Kind: Tunable>(_: Kind.Type) -> Int { Kind.settings.count }
      #expect(Mirror(reflecting: kind.init()).children.count == count(kind), "\(kind.name)")
    }
  }
}
