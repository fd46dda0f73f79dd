import Glibc

extension PairLoss {
  /// The losses that compare the model with a reference.
  package static let withReference: [PairLoss] = [
    PairLoss("sigmoid", "−log σ(x) (arXiv:2305.18290; smoothed: conservative DPO)", smoothed: true) { $0.smoothed },
    PairLoss(
      "robust", "unbiased where a known share of the pairs is the wrong way round (arXiv:2403.00409)", smoothed: true
    ) { terms in
      let (e, x) = (terms.smoothing, terms.x)
      let scale = 1 / (1 - 2 * e)
      return Slope(
        scale * ((1 - e) * softplus(-x) - e * softplus(x)),
        -scale * terms.beta * ((1 - e) * sigmoid(-x) + e * sigmoid(x)))
    },
    PairLoss("hinge", "max(0, 1 − x) (arXiv:2305.10425)") { terms in
      terms.x < 1 ? Slope(1 - terms.x, -terms.beta) : Slope(0, 0)
    },
    PairLoss("ipo", "(C − R − 1/2β)², of means over tokens (arXiv:2310.12036)", ofMeans: true) { terms in
      let off = terms.chosen - terms.rejected - 1 / (2 * terms.beta)
      return Slope(off * off, 2 * off)
    },
    PairLoss("sigmoid_norm", "−log σ(x), of means over tokens", ofMeans: true) { terms in
      Slope(softplus(-terms.x), -terms.beta * sigmoid(-terms.x))
    },
    PairLoss("exo_pair", "the reverse divergence from smoothed preferences (arXiv:2402.00856)", smoothed: true) {
      terms in
      // Without smoothing the divergence is infinite; TRL's least.
      let e = max(terms.smoothing, 1e-3)
      let (p, q) = (sigmoid(terms.x), sigmoid(-terms.x))
      let (right, wrong) = (-softplus(-terms.x) - log(1 - e), -softplus(terms.x) - log(e))
      return Slope(p * right + q * wrong, terms.beta * p * q * (right - wrong))
    },
    PairLoss("nca_pair", "sp(−u) + sp(u)/2 + sp(v)/2 (arXiv:2402.05369)", ofDifference: false) { terms in
      Slope(
        softplus(-terms.u) + softplus(terms.u) / 2 + softplus(terms.v) / 2,
        terms.beta * (sigmoid(terms.u) / 2 - sigmoid(-terms.u)), terms.beta * sigmoid(terms.v) / 2)
    },
    PairLoss("sppo_hard", "(C − 1/2β)² + (R + 1/2β)² (arXiv:2405.00675)", ofDifference: false) { terms in
      let (c, r) = (terms.chosen - 1 / (2 * terms.beta), terms.rejected + 1 / (2 * terms.beta))
      return Slope(c * c + r * r, 2 * c, 2 * r)
    },
    PairLoss(
      "apo_zero", "raises chosen and lowers rejected answers: 1 − σ(u) + σ(v) (arXiv:2408.06266)", ofDifference: false
    ) { terms in
      Slope(
        sigmoid(-terms.u) + sigmoid(terms.v), -terms.beta * sigmoid(terms.u) * sigmoid(-terms.u),
        terms.beta * sigmoid(terms.v) * sigmoid(-terms.v))
    },
    PairLoss("apo_down", "lowers both, rejected answers more: σ(u) + 1 − σ(x) (arXiv:2408.06266)", ofDifference: false)
    {
      terms in
      let (own, both) = (sigmoid(terms.u) * sigmoid(-terms.u), sigmoid(terms.x) * sigmoid(-terms.x))
      return Slope(sigmoid(terms.u) + sigmoid(-terms.x), terms.beta * (own - both), terms.beta * both)
    },
    PairLoss(
      "aot", "the policy's differences, sorted over the step, against the reference's (arXiv:2406.05882)",
      sorting: .differences, ofDifference: false, smoothed: true
    ) { $0.smoothed },
    PairLoss(
      "aot_unpaired", "chosen answers against rejected ones, each sorted over the step (arXiv:2406.05882)",
      sorting: .answers, ofDifference: false, smoothed: true
    ) { $0.smoothed },
    PairLoss("discopop", "the loss that a search found (arXiv:2406.08414)") { terms in
      let (x, temperature) = (terms.x, 0.05)
      let m = sigmoid(x / temperature)
      // m · e⁻ˣ without overflow.
      let modulated = x < 0 ? exp(-x - softplus(-x / temperature)) : m * exp(-x)
      let logistic = softplus(-x)
      let slope = m * (1 - m) / temperature
      let derivative =
        -sigmoid(-x) * (1 - m) - slope * logistic + modulated * ((1 - m) / temperature - 1)
      return Slope(logistic * (1 - m) + modulated, terms.beta * derivative)
    },
    PairLoss(
      "bco_pair", "each answer against the running mean of rewards (arXiv:2404.04656)", ofDifference: false
    ) { terms in
      let (u, v) = (terms.u - terms.shift, terms.v - terms.shift)
      return Slope(softplus(-u) + softplus(v), -terms.beta * sigmoid(-u), terms.beta * sigmoid(v))
    },
  ]
}
