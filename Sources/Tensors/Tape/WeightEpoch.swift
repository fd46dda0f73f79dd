/// Stands for a time in which nobody changes trainable weights.
///
/// Tapes that are given the same one share what is made of the weights, such as their packed forms: the batches of one
/// optimizer step, or of one evaluation. A tape that is given none trusts no other tape.
package final class WeightEpoch {
  package init() {}
}
