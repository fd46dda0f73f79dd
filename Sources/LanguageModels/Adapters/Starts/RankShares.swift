import Tensors

extension LoRA {
  /// How EVA gives the ranks of all maps to those whose inputs they explain most of: as many in all as before.
  ///
  /// Of each map the first ρ · rank directions may get one. The shares of variance that all of them explain are sorted, the
  /// largest get a rank each; maps that get none have no adapter. Scales stay what they are.
  ///
  /// - Parameters:
  ///   - share: The shares of the directions of a map, the largest first.
  ///   - most: ρ.
  /// - Returns: The method with its patterns, and the names of the maps that are left.
  package func redistributed(
    _ maps: [AdaptedMap], most: Double, shares: (AdaptedMap) -> [Double]
  ) -> (method: LoRA, modules: [String]) {
    var candidates: [(share: Double, map: Int)] = []
    for (index, map) in maps.enumerated() {
      let wanted = Int((Double(rank(of: map)) * most).rounded(.toNearestOrEven))
      candidates += shares(map).prefix(wanted).map { ($0, index) }
    }
    let budget = maps.reduce(0) { $0 + rank(of: $1) }
    // Equal shares go to the map that comes first.
    let order = candidates.indices.sorted { (candidates[$1].share, $0) < (candidates[$0].share, $1) }
    var ranks = [Int](repeating: 0, count: maps.count)
    for index in order.prefix(budget) { ranks[candidates[index].map] += 1 }
    var method = self
    (method.rankPattern, method.alphaPattern) = ([], [])
    for (map, own) in zip(maps, ranks) where own > 0 {
      let (before, alpha) = (rank(of: map), alphaPattern.value(for: map.module) ?? self.alpha)
      let growth = Double(own) / Double(before)
      let scaled = Float(Double(alpha) * (usesRSLoRA ? growth.squareRoot() : growth))
      if own != rank { method.rankPattern.append(ModulePattern(map.module, own)) }
      if scaled != self.alpha { method.alphaPattern.append(ModulePattern(map.module, scaled)) }
    }
    return (method, zip(maps, ranks).filter { $1 > 0 }.map(\.0.module))
  }
}
