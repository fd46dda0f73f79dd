import PreciseJSON
import Tensors

/// W + scale · B·A with thin matrices A [R, in] and B [out, R]: LoRA (arXiv:2106.09685).
package struct LoRA: AdapterMethod {
  /// How A and B begin.
  package enum Start: String, Sendable, Hashable, CaseIterable {
    /// A uniform in ±1/√in (Kaiming with a = √5), B zero.
    case standard = "default"
    /// A normal with a deviation of 1/R, B zero.
    case gaussian
    /// Both from the rows of an orthogonal matrix, so that B·A is zero.
    case orthogonal
    /// The largest R singular values of W with their vectors (arXiv:2404.02948).
    case pissa
    /// The first R columns of the QR decomposition of W (arXiv:2406.01775).
    case olora
    /// A the directions in which what the map reads varies most, B zero (arXiv:2410.07170).
    case eva
    /// A part of W by what the map reads: what matters most to it, or least (arXiv:2406.05223).
    case corda
    /// The leading directions of the loss's derivative with respect to W (arXiv:2407.05000).
    case loraGA = "lora_ga"
    /// The largest R singular values of what W lost when it was rounded (arXiv:2310.08659).
    case loftq

    /// Whether B·A is a part of W that the base then lacks.
    ///
    /// The base stays as it is: the part is kept beside A and B, frozen, and taken off their product.
    package var takesFromWeight: Bool { [.pissa, .olora, .corda, .loraGA].contains(self) }

    /// Whether it follows from what a model makes of texts.
    package var looksAtTexts: Bool { [.eva, .corda, .loraGA].contains(self) }

    /// Whether nothing of it is left once A and B have their values.
    fileprivate var leavesNothing: Bool { self == .eva || self == .loftq }
  }

  /// R, the inner dimension of B·A.
  package var rank: Int
  /// Numerator of the scale; 2 · rank unless told otherwise.
  package var alpha: Float
  package var dropout: Float
  /// Divides alpha by √rank instead of the rank (arXiv:2312.03732).
  package var usesRSLoRA: Bool
  /// Splits W + scale · B·A into a direction and a trained length of each row (arXiv:2402.09353).
  package var usesDoRA: Bool
  package var start: Start
  /// Other ranks and alphas for some maps.
  package var rankPattern: [ModulePattern<Int>]
  package var alphaPattern: [ModulePattern<Float>]

  package init(
    rank: Int, alpha: Float? = nil, dropout: Float = 0, usesRSLoRA: Bool = false, usesDoRA: Bool = false,
    start: Start = .standard, rankPattern: [ModulePattern<Int>] = [], alphaPattern: [ModulePattern<Float>] = []
  ) {
    self.rank = rank
    self.alpha = alpha ?? Float(2 * rank)
    self.dropout = dropout
    self.usesRSLoRA = usesRSLoRA
    self.usesDoRA = usesDoRA
    self.start = start
    self.rankPattern = rankPattern
    self.alphaPattern = alphaPattern
  }

  package static let name = "lora"
  package static let summary = "the product of two thin matrices beside a frozen one"
  package static let options: Set<AdapterOptions.Name> = [
    .rank, .alpha, .dropout, .rslora, .dora, .start, .rankPattern, .alphaPattern,
  ]

  package init(_ options: AdapterOptions) throws(AdapterError) {
    let start = options.start ?? Start.standard.rawValue
    guard let start = Start(rawValue: start) else {
      throw .unknownStart(start, known: Start.allCases.map(\.rawValue))
    }
    self.init(
      rank: options.rank ?? 8, alpha: options.alpha, dropout: options.dropout ?? 0,
      usesRSLoRA: options.rslora ?? false, usesDoRA: options.dora ?? false, start: start,
      rankPattern: options.rankPattern ?? [], alphaPattern: options.alphaPattern ?? [])
  }

  package func validate() throws(AdapterError) {
    guard dropout >= 0, dropout < 1 else { throw .dropout(dropout) }
    try numbers.validate()
    if start == .loftq, usesDoRA {
      throw .option("dora", wanted: "`false` beside `init: loftq`", found: "`true`")
    }
    if start == .orthogonal, let odd = ([rank] + rankPattern.map(\.value)).first(where: { $0 % 2 != 0 }) {
      throw .oddRank(odd)
    }
  }

  package func validate(_ map: AdaptedMap) throws(AdapterError) {
    // LoRA-GA takes the first R directions for A, and the next R for B.
    let most = start == .eva ? map.inputs : min(map.inputs, map.outputs) / (start == .loraGA ? 2 : 1)
    if start.takesFromWeight || start == .eva || start == .loftq, rank(of: map) > most {
      throw .rankAbove(most, module: map.module, rank: rank(of: map))
    }
  }

  private var numbers: RankAndAlpha { RankAndAlpha(rank, alpha, rankPattern, alphaPattern) }

  package func rank(of map: AdaptedMap) -> Int { rankPattern.value(for: map.module) ?? rank }

  /// What B·A is multiplied by.
  package func scale(of map: AdaptedMap) -> Float {
    let (alpha, rank) = (Double(alphaPattern.value(for: map.module) ?? alpha), Double(rank(of: map)))
    return usesRSLoRA ? Float(alpha / rank.squareRoot()) : Float(alpha / rank)
  }

  package static let suffixA = "lora_A.weight"
  package static let suffixB = "lora_B.weight"
  package static let magnitude = "lora_magnitude_vector"
  package static let startA = "lora_A.start.weight"
  package static let startB = "lora_B.start.weight"

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    let (a, b) = ([rank(of: map), map.inputs], [map.outputs, rank(of: map)])
    var all = [AdapterTensor(Self.suffixA, a), AdapterTensor(Self.suffixB, b)]
    if start.takesFromWeight {
      all += [AdapterTensor(Self.startA, a, isTrained: false), AdapterTensor(Self.startB, b, isTrained: false)]
    }
    if usesDoRA { all.append(AdapterTensor(Self.magnitude, [map.outputs])) }
    return all
  }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    try all(LoRAStart(rank: rank(of: map), scale: scale(of: map), map: map).pair(start, random, weight), weight)
  }

  package func start(
    _ map: AdaptedMap, from findings: MapFindings, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    try all(
      LoRAStart(rank: rank(of: map), scale: scale(of: map), map: map).pair(from: findings, random(0)), weight)
  }

  /// All tensors of a map that starts with A and B.
  private func all(_ pair: (a: Tensor, b: Tensor), _ weight: () throws -> Tensor) rethrows -> [Tensor] {
    let (a, b) = pair
    var all = [a, b]
    if start.takesFromWeight { all += [a.copy(), b.copy()] }
    // B·A begins with nothing, or with what is taken off: the rows have the lengths of those of W.
    if usesDoRA { all.append(try weight().rowLengths()) }
    return all
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    let scale = scale(of: map)
    let pair = try LowRankAdapter(
      a: parameters[0], b: parameters[1], scale: scale, dropout: dropout,
      dropoutStream: stableHash(parameters[0].name))
    let taken =
      start.takesFromWeight ? try LowRankAdapter(a: parameters[2], b: parameters[3], scale: -scale) : nil
    return LoRAMap(
      parameters: parameters, pair: pair, taken: taken,
      lengths: usesDoRA ? parameters.last.map(RowLengths.init) : nil)
  }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let (a, b) = (values[0], values[1])
    var (down, up) = ([a], [b])
    var signs: [Double] = [1]
    if start.takesFromWeight {
      down.append(values[2])
      up.append(values[3])
      signs.append(-1)
    }
    return AdapterUpdate(
      module: map.module,
      size: LowRankSum(down, up, signs).length * abs(Double(scale(of: map))),
      isDead: a.values.allSatisfy { $0 == 0 } && b.values.allSatisfy { $0 == 0 })
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    (shapes[Self.suffixA]?.last ?? 0, shapes[Self.suffixB]?.first ?? 0)
  }

  package var settled: LoRA {
    var settled = self
    if start.leavesNothing { settled.start = .standard }
    return settled
  }

  /// Twice the rank: what is trained, and what it began with.
  package var portable: any AdapterMethod {
    guard start.takesFromWeight else { return self }
    var wide = self
    wide.start = .standard
    wide.rank *= 2
    wide.rankPattern = rankPattern.map { ModulePattern($0.pattern, 2 * $0.value) }
    // The scale stays what it is.
    func widened(_ alpha: Float) -> Float { usesRSLoRA ? Float(Double(alpha) * 2.0.squareRoot()) : 2 * alpha }
    wide.alpha = widened(alpha)
    wide.alphaPattern = alphaPattern.map { ModulePattern($0.pattern, widened($0.value)) }
    return wide
  }

  package func portable(_ values: [Tensor]) -> [Tensor] {
    guard start.takesFromWeight else { return values }
    let (a, b, startA, startB) = (values[0], values[1], values[2], values[3])
    let wideA = Tensor(shape: [2 * a.rows, a.columns], values: a.values + startA.values)
    let rank = b.columns
    var numbers: [Float] = []
    let (own, taken) = (b.values, startB.values)
    for row in 0..<b.rows {
      numbers += own[row * rank..<(row + 1) * rank]
      numbers += taken[row * rank..<(row + 1) * rank].map { -$0 }
    }
    return [wideA, Tensor(shape: [b.rows, 2 * rank], values: numbers)] + values.dropFirst(4)
  }

  package static let movesLate = ["." + suffixA]

  package var facts: [(key: String, value: JSON)] {
    var facts: [(key: String, value: JSON)] = [
      ("rank", JSON(rank)), ("alpha", JSON(Double(alpha))), ("dropout", JSON(Double(dropout))),
      ("rslora", JSON(usesRSLoRA)),
    ]
    if usesDoRA { facts.append(("dora", JSON(true))) }
    if start.takesFromWeight { facts.append(("init", JSON(start.rawValue))) }
    return facts + numbers.patternFacts
  }
}

extension AdapterConfiguration {
  /// LoRA beside the linear maps of some names.
  package init(
    rank: Int, alpha: Float? = nil, dropout: Float = 0, targets: Set<String>, usesRSLoRA: Bool = false
  ) {
    self.init(
      AdapterSelection(.list(targets)),
      LoRA(rank: rank, alpha: alpha, dropout: dropout, usesRSLoRA: usesRSLoRA))
  }
}

/// The two matrices beside a map.
private struct LoRAMap: MapAdapter {
  let parameters: [Parameter]
  let pair: LowRankAdapter
  /// What A and B began with, to be taken off; its scale is negative.
  let taken: LowRankAdapter?
  let lengths: RowLengths?

  var fused: LowRankAdapter? { taken == nil && lengths == nil ? pair : nil }

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    guard let lengths else { return sum(tape, x, base) }
    let dropped = tape.dropout(x, probability: pair.dropout, stream: pair.dropoutStream)
    let whole = sum(tape, dropped, base.with(bias: nil))
    let factors = lengths.factors(tape, base.weight, [pair] + [taken].compactMap { $0 })
    let y = tape.scaleColumns(whole, by: factors)
    if dropped === x { return base.bias.map { tape.addToColumns(y, tape.variable(of: $0)) } ?? y }
    // The base sees all of x, and only the change what is left of it.
    return tape.add(tape.project(tape.add(x, tape.scale(dropped, by: -1)), [base])[0], y)
  }

  /// x Wᵀ with what is added and what is taken off.
  private func sum(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let drops = lengths == nil
    let y = tape.project(x, [base.with(adapter: drops ? pair : pair.withoutDropout)])[0]
    guard let taken else { return y }
    let hidden = tape.product(x, tape.variable(of: taken.a))
    return tape.add(y, tape.scale(tape.product(hidden, tape.variable(of: taken.b)), by: taken.scale))
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    var sum = pair.merged(into: weight, pool: pool)
    if let taken { sum = taken.merged(into: sum, pool: pool) }
    guard let lengths else { return sum }
    let now = sum.rowLengths()
    onElements {
      for row in 0..<sum.rows {
        let factor = lengths.parameter.value.pointer[row] / now.pointer[row]
        for column in 0..<sum.columns { sum.pointer[row * sum.columns + column] *= factor }
      }
    }
    return sum
  }
}
