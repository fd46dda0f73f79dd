import Foundation
import PreciseJSON
import Tensors
import TestKit
import Testing
import Training

/// Twenty steps of every optimizer against the implementation that its authors, or the libraries people train with, ship.
///
/// Expected values: scripts/reference/optimizers.
@Suite struct OptimizerReferenceTests {
  /// A file of the fixtures, what makes an optimizer of a run's settings (nil where we have no such thing), and how far from
  /// the reference values may be, as a share of how far they moved.
  struct Case: Sendable, CustomTestStringConvertible {
    var file: String
    var tolerance = 1e-4
    /// Of the values, this share may be further away: where the nearest code of a byte is a matter of the last bit.
    var outliers = 0.0
    var settings: @Sendable (JSON) throws -> (any OptimizerSettings)?

    var testDescription: String { file }
  }

  static let cases: [Case] = [
    Case(file: "adamw") { run in
      run["amsgrad"] == nil ? try Self.made(AdamWSettings(), run) : nil
    },
    Case(file: "sgd") { try Self.made(SGDSettings(), $0) },
    Case(file: "lion") { try Self.made(LionSettings(), $0) },
    Case(file: "adafactor") { run in
      // transformers' own defaults.
      try Self.made(AdafactorSettings(), run, defaults: [("relative_step", true), ("scale_parameter", true)])
    },
    Case(file: "muon") { run in
      // LLaMA-Factory's AdamW for the rest is none; half precision is not computed.
      run["betas"] == nil ? try Self.made(MuonSettings(), run, defaults: [("adjust_lr_fn", "original")]) : nil
    },
    Case(file: "adamw_8bit", tolerance: 2e-3, outliers: 0.01) { try Self.made(AdamW8BitSettings(), $0) },
    Case(file: "came") { try Self.made(CAMESettings(), $0) },
    Case(file: "schedule_free") { try Self.made(ScheduleFreeSettings(), $0) },
    Case(file: "adam_mini") { try Self.made(AdamMiniSettings(), $0) },
    Case(file: "galore") { try Self.made(GaLoreSettings(), $0) },
    Case(file: "apollo") { run in
      guard let limits = run["disable_nl"]?.bool else { return nil }
      return try Self.made(
        APOLLOSettings(), run, but: ["proj_type", "disable_nl"],
        defaults: [("norm_growth_limit", JSON(!limits))])
    },
    Case(file: "badam") { try Self.made(BAdamSettings(), $0, renamed: ["mode": "switch_mode"]) },
    Case(file: "lomo") { run in
      try Self.made(
        LOMOSettings(), run,
        but: ["clip_grad_norm"] + (run["clip_grad_value"]?.double == nil ? ["clip_grad_value"] : []))
    },
    // Of two bfloat16 as near, the last bit of a sum decides.
    Case(file: "adamw_bfloat16", tolerance: 1e-4, outliers: 0.02) { run in
      let moments = run["moments"]?.array?.compactMap(\.string) ?? []
      guard moments.first == "bfloat16", run["weights"] == "float32" || run["kahan"] == true else { return nil }
      return try Self.made(
        AdamWBF16Settings(), run, but: ["moments", "weights", "kahan"],
        defaults: [
          ("weights", run["weights"] == "bfloat16" ? "bf16" : "f32"),
          ("second_moment", moments.last == "bfloat16" ? "bf16" : "f32"),
        ])
    },
  ]

  /// Settings by the names that pipeline files have for them; `weight_decay` is the groups' business.
  private static func made<Settings: OptimizerSettings>(
    _ settings: Settings, _ run: JSON, but ignored: [String] = [], renamed: [String: String] = [:],
    defaults: [(String, JSON)] = []
  ) throws -> Settings {
    var settings = settings
    for (key, value) in defaults { try settings.set(key, value) }
    for (key, value) in run.object?.members ?? [] where !(ignored + ["weight_decay"]).contains(key) {
      try settings.set(renamed[key] ?? (key == "eps" ? "epsilon" : key), value)
    }
    try settings.validate()
    return settings
  }

  @Test(arguments: cases) func twentyStepsAgree(_ one: Case) throws {
    let file = try readJSON(fixture("Optimizers/\(one.file).json"))
    var seen = 0
    for run in try #require(file["runs"]?.array) {
      guard let settings = try one.settings(try #require(run["settings"])) else { continue }
      // The package's first block is a step shorter than the others; newton_schulz in half precision is not ours.
      if run["first_switch"]?.int == 4 || run["newton_schulz"] == "bfloat16" { continue }
      seen += 1
      for threads in [1, 2] { try check(one, settings, file, run, Compute(threads: threads)) }
    }
    #expect(seen > 0, "\(one.file)")
  }

  /// Parameters as the fixtures describe them.
  static func parameters(_ file: JSON) throws -> [Parameter] {
    try #require(file["tensors"]?.array).map { spec in
      let name = try #require(spec["name"]?.string)
      let shape = try #require(spec["shape"]?.array).compactMap(\.int)
      let mean = Float(spec["mean"]?.double ?? 0)
      let value = patternedTensor(name, shape: shape, amplitude: Float(spec["amplitude"]?.double ?? 0))
      for i in 0..<value.count { value.pointer[i] += mean }
      let isTable = spec["rows"] == true
      let kind: Parameter.Kind =
        name.contains("norm") ? .norm : name.contains("bias") ? .bias : isTable ? .embedding : .matrix
      let parameter = Parameter(name: name, value: value, kind: kind, isTrainable: true)
      if let width = file["model"]?["width"]?.int, let heads = file["model"]?["heads"]?.int,
        name.contains("q_proj.w") || name.contains("k_proj.w")
      {
        parameter.headRows = width / heads
      }
      return parameter
    }
  }

  static func setGradient(_ parameter: Parameter, step: Int) {
    let (name, shape) = (parameter.name, parameter.value.shape)
    let gradient = patternedTensor(name + ".gradient", shape: shape, amplitude: 0.25)
    let amplitudes: [Float] = [0.0625, 0.125, 0.25, 0.5]
    let change = patternedTensor("\(name).gradient.\(step)", shape: shape, amplitude: amplitudes[step % 4])
    for i in 0..<gradient.count { gradient.pointer[i] += change.pointer[i] }
    if parameter.kind == .embedding {
      for row in 0..<gradient.rows where row == 3 || (row + step) % 3 == 0 {
        (gradient.pointer + row * gradient.columns).update(repeating: 0, count: gradient.columns)
      }
    }
    parameter.gradient = gradient
  }

  private func optimizer(_ settings: any OptimizerSettings, _ groups: [ParameterGroup]) -> any Optimizer {
    guard let apollo = settings as? APOLLOSettings else { return settings.optimizer(for: groups) }
    return apollo.optimizer(for: groups) { place, turn, shape in
      patternedTensor("projection.\(place + 1 + 1000 * turn)", shape: shape, amplitude: 1)
    }
  }

  private func check(
    _ one: Case, _ settings: any OptimizerSettings, _ file: JSON, _ run: JSON, _ compute: Compute
  ) throws {
    let after = try #require(run["after"])
    let wanted = Set((after["20"]?.object?.keys ?? []).map { String($0) })
    let parameters = try Self.parameters(file).filter { wanted.contains($0.name) }
    let decay = run["settings"]?["weight_decay"]?.double ?? 0
    let rates =
      run["learning_rates"]?.array?.compactMap(\.double) ?? file["learning_rates"]?.array?.compactMap(\.double)
    // Adam-mini's package leaves norms and biases alone by itself; here that is the groups' business.
    let exempt = one.file == "adam_mini" ? parameters.filter { [.norm, .bias].contains($0.kind) } : []
    let decayed = parameters.filter { parameter in !exempt.contains { $0 === parameter } }
    let clip = run["settings"]?["clip_grad_norm"]?.double
    let optimizer = optimizer(settings, [ParameterGroup(decayed, weightDecay: decay), ParameterGroup(exempt)])
    let starts = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value.values) })
    for step in 1...20 {
      optimizer.prepare(step: step)
      for parameter in parameters {
        if parameter.isTrainable { Self.setGradient(parameter, step: step) } else { parameter.gradient = nil }
      }
      let scale = clip.map { gradientClipScale(norm: compute.gradientNorm(parameters), maximum: $0) } ?? 1
      optimizer.take(
        OptimizerStep(number: step, learningRate: try #require(rates)[step - 1], gradientScale: scale), on: compute)
      guard let expected = after["\(step)"]?.object else { continue }
      var found = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value.values) })
      for (name, tensor) in optimizer.tensors where name.hasPrefix("z.") { found[name] = tensor.values }
      if one.file == "schedule_free" {
        optimizer.show(.result)
        for parameter in parameters { found["x.\(parameter.name)"] = parameter.value.values }
        optimizer.show(.training)
      }
      for parameter in parameters {
        for name in [parameter.name, "z.\(parameter.name)", "x.\(parameter.name)"] {
          guard let values = expected[name]?.array?.compactMap({ $0.double.map { Float($0) } }) else { continue }
          let kept = file["kept_blocks"]?[parameter.name]?.array?.compactMap(\.int)
          func cut(_ values: [Float]) -> [Float] {
            kept.map { $0.flatMap { Array(values[($0 * 256)..<min(values.count, ($0 + 1) * 256)]) } } ?? values
          }
          let moved = zip(values, cut(try #require(starts[parameter.name]))).map { abs($0 - $1) }.max() ?? 0
          let away = zip(values, cut(try #require(found[name]))).map { abs($0 - $1) / max(moved, 1e-6) }.sorted()
          let worst = away[Int(Double(away.count - 1) * (1 - one.outliers))]
          #expect(
            Double(worst) < one.tolerance,
            "\(one.file), \(run["variant"]?.string ?? ""), \(name) after \(step): \(worst) of the movement")
        }
      }
    }
  }

  /// `left` and `right` are the shorter or the longer side, as a matrix stands.
  @Test func sidesOfProjectionsAreThoseOfTheirShapes() throws {
    let file = try readJSON(fixture("Optimizers/galore.json"))
    func values(_ side: ProjectionSide) throws -> [String: [Float]] {
      var settings = GaLoreSettings()
      (settings.rank, settings.interval, settings.side) = (3, 7, side)
      let parameters = try Self.parameters(file)
      let optimizer = settings.optimizer(for: [ParameterGroup(parameters, weightDecay: 0.1)])
      for step in 1...20 {
        for parameter in parameters { Self.setGradient(parameter, step: step) }
        optimizer.take(OptimizerStep(number: step, learningRate: 0.01), on: try Compute(threads: 2))
      }
      return Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value.values) })
    }
    let (std, reverse) = (try values(.std), try values(.reverseStd))
    let (left, right) = (try values(.left), try values(.right))
    var seen: Set<Bool> = []
    for parameter in try Self.parameters(file) where parameter.kind == .matrix && parameter.value.shape.count == 2 {
      let (name, isTall) = (parameter.name, parameter.value.rows >= parameter.value.columns)
      #expect(right[name] == (isTall ? std : reverse)[name] && left[name] == (isTall ? reverse : std)[name], "\(name)")
      if parameter.value.shape.allSatisfy({ $0 > 3 }), !name.contains("lm_head") {
        #expect(left[name] != right[name], "\(name)")
        seen.insert(isTall)
      }
    }
    #expect(seen == [true, false])
  }

  /// The rate of its own is what is told, whatever the schedule says.
  @Test func adafactorTellsTheRateThatItTakes() throws {
    var settings = AdafactorSettings()
    settings.hasOwnRate = true
    #expect(settings.optimizer(for: []).ownRate(4) == 0.01)
    #expect(settings.optimizer(for: []).ownRate(40_000) == 0.005)
    settings.warmsUp = true
    #expect(settings.optimizer(for: []).ownRate(7) == 7e-6)
    settings.hasOwnRate = false
    #expect(settings.optimizer(for: []).ownRate(7) == nil)
    #expect(settings.problem == "`warmup_init` has no effect without `relative_step`")
  }

  @Test func codesOfBytesAreThose() throws {
    let file = try readJSON(fixture("Optimizers/adamw_8bit.json"))
    for (key, isSigned) in [("signed_codes", true), ("unsigned_codes", false)] {
      let expected = try #require(file[key]?.array?.compactMap { $0.double.map { Float($0) } })
      let found = DynamicMap(isSigned: isSigned).values
      #expect(found.count == 256)
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 2e-7 * abs($1) })
    }
  }

  /// A training that stops and goes on from what a checkpoint holds, with other threads, ends in the same bits.
  @Test(arguments: cases) func stateIsAllThatIsKept(_ one: Case) throws {
    let file = try readJSON(fixture("Optimizers/\(one.file).json"))
    let runs = try (file["runs"]?.array ?? []).compactMap { run in try one.settings(run["settings"] ?? .null) }
    let settings = try #require(runs.last)
    func steps(
      _ steps: ClosedRange<Int>, _ parameters: [Parameter], _ optimizer: any Optimizer, threads: Int
    ) throws {
      let compute = try Compute(threads: threads)
      for step in steps {
        optimizer.prepare(step: step)
        for parameter in parameters {
          if parameter.isTrainable { Self.setGradient(parameter, step: step) } else { parameter.gradient = nil }
        }
        optimizer.take(OptimizerStep(number: step, learningRate: 0.01, gradientScale: 0.5), on: compute)
      }
    }
    func fresh() throws -> ([Parameter], any Optimizer) {
      let parameters = try Self.parameters(file)
      return (parameters, optimizer(settings, [ParameterGroup(parameters, rate: 0.5, weightDecay: 0.1)]))
    }
    let (whole, wholeOptimizer) = try fresh()
    try steps(1...20, whole, wholeOptimizer, threads: 3)
    let (first, firstOptimizer) = try fresh()
    try steps(1...9, first, firstOptimizer, threads: 1)
    let (second, secondOptimizer) = try fresh()
    #expect(firstOptimizer.tensors.map(\.name) == secondOptimizer.tensors.map(\.name))
    #expect(Set(firstOptimizer.tensors.map(\.name)).count == firstOptimizer.tensors.count)
    for (old, new) in zip(
      first.map(\.value) + firstOptimizer.tensors.map(\.tensor),
      second.map(\.value) + secondOptimizer.tensors.map(\.tensor))
    {
      new.pointer.update(from: old.pointer, count: old.count)
    }
    try steps(10...20, second, secondOptimizer, threads: 2)
    for (a, b) in zip(whole, second) {
      #expect(a.value.values.map(\.bitPattern) == b.value.values.map(\.bitPattern), "\(one.file) \(a.name)")
    }
  }
}

extension OptimizerSettings {
  /// Sets a constant by its name, as a pipeline file would.
  fileprivate mutating func set(_ name: String, _ value: JSON) throws {
    let setting = try #require(Self.settings.first { $0.name == name }, "no constant `\(name)`")
    switch setting.value {
    case .number(let access, _): access.set(&self, try #require(value.double))
    case .optionalNumber(let access, _): access.set(&self, value.double)
    case .count(let access, _): access.set(&self, try #require(value.int))
    case .optionalCount(let access, _): access.set(&self, value.int)
    case .flag(let access): access.set(&self, try #require(value.bool as Bool?))
    case .numbers(let access, _, _): access.set(&self, try #require(value.array).compactMap(\.double))
    case .choice(let access, _), .text(let access): access.set(&self, try #require(value.string))
    case .texts(let access): access.set(&self, try #require(value.array).compactMap(\.string))
    }
  }
}
