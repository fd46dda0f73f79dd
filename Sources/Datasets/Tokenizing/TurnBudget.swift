/// How much of a prompt and of its answer is kept when both do not fit: LLaMA-Factory's `infer_seqlen`.
///
/// With a source of s tokens, a target of t and room for R: when 2t < R the target is kept and the source cut to what
/// remains; else when 2s < R the source is kept and the target cut; else the target gets ⌊R·t/(s+t)⌋ and the source
/// the rest. Heads are kept, tails are cut.
package func turnBudget(source: Int, target: Int, room: Int) -> (source: Int, target: Int) {
  let most: Int
  if 2 * target < room {
    most = room
  } else if 2 * source < room {
    most = room - source
  } else {
    most = Int(Double(room) * (Double(target) / Double(source + target)))
  }
  let kept = min(most, target)
  return (min(max(room - kept, 0), source), kept)
}
