import Diagnostics

/// One `--set` argument: `nodes.sft.rank=8`, `learning_rate=3e-4`.
package struct Override: Sendable, Hashable {
  /// The argument as given.
  package var text: String
  /// Its number among the `--set` arguments, from 1, for messages.
  package var argumentIndex: Int
  /// Whether it stands behind `--set`, or by itself behind the file.
  package var isOption: Bool

  package init(text: String, argumentIndex: Int, isOption: Bool = true) {
    self.text = text
    self.argumentIndex = argumentIndex
    self.isOption = isOption
  }

  var file: String { isOption ? "--set argument \(argumentIndex)" : "argument `\(text)`" }
}
