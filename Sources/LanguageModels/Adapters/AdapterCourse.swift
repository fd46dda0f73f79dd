import Tensors

/// What a method of adapters does while it is trained, besides being computed: what it adds to the loss, and what it
/// changes after each step of the optimizer.
package protocol AdapterCourse: AnyObject {
  /// What it remembers from step to step; checkpoints hold it.
  var tensors: [(name: String, value: Tensor)] { get }

  /// - Throws: ``AdapterError`` for a training of so many steps that has no room for what is to be done.
  func check(steps total: Int) throws(AdapterError)

  /// Adds the gradient of what the step loses besides the stage's loss.
  ///
  /// - Returns: How much that is, and what it is called.
  func addPenalty() -> (name: String, value: Double)

  /// Acts once the optimizer has taken a step; gradients are still there.
  ///
  /// - Parameters:
  ///   - number: From 1 on, of `total`.
  ///   - gradientScale: What gradients were multiplied by in the step.
  func act(after number: Int, of total: Int, gradientScale: Float)

  /// Told that other values, such as averages over the steps, stand in place of those that were trained: what training has
  /// taken away is taken away from them too.
  func settle()
}

extension LanguageModel {
  /// What the adapter's method does in a training that begins now; nil where there is nothing of the kind.
  package func adapterCourse() -> (any AdapterCourse)? {
    guard let adapter else { return nil }
    let byName = Dictionary(adapterParameters.map { ($0.name, $0) }) { first, _ in first }
    return adapter.method.course(
      of: configuration.adaptedMaps(adapter).map { map in
        (map, adapter.tensors(map).compactMap { byName[$0.name] })
      })
  }
}
