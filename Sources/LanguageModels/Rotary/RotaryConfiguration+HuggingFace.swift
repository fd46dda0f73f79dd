import PreciseJSON
import Tensors

/// What a family's rotary positions are where its files do not say.
struct RotaryDefaults {
  var base = 10_000.0
  /// Which part of a head's elements turns; nil for families that turn all and know no key for it.
  var partialFactor: Double?
  var turnsPairs = false
  /// The older keys of base and part.
  var baseKey = "rope_theta"
  var partialKey = "partial_rotary_factor"
  /// The scalings that the family knows beside `default`, by all names that its files have for them; nil where it knows all.
  var scalings: [String: String]?
  /// Whether `alpha` beside the type `dynamic` counts.
  var readsAlpha = false
  /// Whether the kinds of blocks have positions of their own.
  var hasKinds = false
  /// Keys beside those of positions that the family reads by itself.
  var ownKeys: [String] = []
}

extension RotaryConfiguration {
  /// The rotary positions of `config.json`: `rope_parameters` as transformers writes from version 5 on, else `rope_theta`
  /// with `rope_scaling`; those of blocks without a window where kinds of blocks have their own.
  ///
  /// - Parameter headDimension: D.
  init(_ reader: inout ConfigurationReader, headDimension: Int, _ defaults: RotaryDefaults = RotaryDefaults()) {
    let older = reader.lookup("rope_scaling").flatMap { $0.object?.isEmpty == true ? nil : $0 }
    let newer = reader.lookup("rope_parameters")
    if older == nil, defaults.hasKinds, let newer, newer.object != nil, newer["full_attention"] == nil {
      // transformers would pass over it.
      reader.report(.missing(key: "rope_parameters.full_attention"))
    }
    if older == nil, defaults.hasKinds, let full = newer?["full_attention"] {
      self.init(&reader, "rope_parameters.full_attention", full, headDimension: headDimension, defaults)
    } else {
      let key = older != nil ? "rope_scaling" : "rope_parameters"
      self.init(&reader, key, older ?? newer, headDimension: headDimension, defaults)
    }
  }

  /// The rotary positions that one object says.
  ///
  /// - Parameters:
  ///   - key: The object's path, for messages.
  ///   - values: The object; nil where there is none.
  init(
    _ reader: inout ConfigurationReader, _ key: String, _ values: JSON?, headDimension: Int, _ defaults: RotaryDefaults
  ) {
    // Read in any case, so that they are never taken for keys that nobody knows.
    let plainBase = reader.positiveReal(defaults.baseKey, default: defaults.base)
    var partial = defaults.partialFactor.map { reader.positiveReal(defaults.partialKey, default: $0) } ?? 1
    let positions = reader.positive("max_position_embeddings", default: 2048)
    let original = reader.lookup("original_max_position_embeddings").map { _ in
      reader.positive("original_max_position_embeddings")
    }
    guard let values, values.object != nil else {
      if let values { reader.report(.wrongKind(key: key, wanted: "an object", found: values.kind)) }
      self.init(headDimension: headDimension, partial: partial, base: plainBase, scaling: .none, defaults)
      return
    }
    var inner = ConfigurationReader(file: reader.file) { name in
      // Paths keep their parent in messages, so that keys are asked for by their whole path.
      values[String(name.dropFirst(key.count + 1))]
    }
    defer { for problem in inner.problems { reader.report(problem) } }
    let base = values["rope_theta"] != nil ? inner.positiveReal("\(key).rope_theta") : plainBase
    if defaults.partialFactor != nil { partial = inner.positiveReal("\(key).partial_rotary_factor", default: partial) }
    // Both names stand in files of some versions.
    let (type, olderType) = (inner.string("\(key).rope_type"), inner.string("\(key).type"))
    let written = type ?? olderType ?? "default"
    let known = written == "default" ? written : defaults.scalings.map { $0[written] ?? "" } ?? written
    if known.isEmpty {
      inner.report(
        .unsupported(
          key: "\(key).rope_type", found: written,
          supported: ["default"] + Set((defaults.scalings ?? [:]).values).sorted()))
    }
    let scaling = RotaryScaling(
      &inner, key, type: known.isEmpty ? "default" : known, positions: positions, original: original,
      readsAlpha: defaults.readsAlpha)
    self.init(headDimension: headDimension, partial: partial, base: base, scaling: scaling, defaults)
    // What a scaling that is refused would need is not worth a word.
    guard inner.problems.isEmpty else { return }
    for name in defaults.ownKeys { inner.passOver("\(key).\(name)") }
    inner.reportUnread(among: (values.object?.keys ?? []).map { "\(key).\($0)" }, prefix: "\(key).", .rotary)
  }

  private init(
    headDimension: Int, partial: Double, base: Double, scaling: RotaryScaling, _ defaults: RotaryDefaults
  ) {
    self.init(
      base: base, scaling: scaling, dimension: partial == 1 ? headDimension : Int(Double(headDimension) * partial),
      turnsPairs: defaults.turnsPairs)
  }

  /// The members of a `config.json` that say the same.
  func members(headDimension: Int, _ defaults: RotaryDefaults) -> [(key: String, value: JSON)] {
    let partial = defaults.partialFactor.map { _ in
      [(key: defaults.partialKey, value: JSON(Double(dimension) / Double(headDimension)))]
    }
    return [("rope_scaling", scaling.json), (defaults.baseKey, JSON(base))] + (partial ?? [])
  }
}
