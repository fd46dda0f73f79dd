import Diagnostics

/// One `--set` argument: `nodes.sft.rank=8`, `learning_rate=3e-4`.
package struct Override: Sendable, Hashable {
  /// The argument as given.
  package var text: String
  /// Its number among the `--set` arguments, from 1, for messages.
  package var argumentIndex: Int

  package init(text: String, argumentIndex: Int) {
    self.text = text
    self.argumentIndex = argumentIndex
  }

  var file: String { "--set argument \(argumentIndex)" }
}
