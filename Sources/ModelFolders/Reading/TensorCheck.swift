import Diagnostics
import LanguageModels

/// Compares the tensors that a configuration asks for with those that a model's files hold.
struct TensorCheck {
  let configuration: ModelConfiguration
  /// The names that the files hold, in their own words.
  let stored: [String]
  /// The name and the shape that a tensor has in the files.
  let place: (TensorSpecification) -> (name: String, shape: [Int])?
  /// The row-major shape of a stored tensor.
  let shape: (String) -> [Int]?

  /// Finding the nearest name takes a while among thousands: only the first problems, which are told, have one.
  private static let suggestions = 8

  /// What does not fit.
  ///
  /// - Parameter isRedundant: Whether a tensor that the configuration does not ask for repeats what is known.
  func problems(isRedundant: (String) -> Bool) -> [ModelFolderError.Problem] {
    var problems: [ModelFolderError.Problem] = []
    var expected: Set<String> = []
    for tensor in configuration.tensors {
      guard let (name, wanted) = place(tensor) else { continue }
      expected.insert(name)
      guard let found = shape(name) else {
        let nearest = problems.count < Self.suggestions ? nearestName(to: name, among: stored) : nil
        problems.append(.missingTensor(name, nearest: nearest))
        continue
      }
      if found != wanted { problems.append(.wrongShape(tensor: name, wanted: wanted, found: found)) }
    }
    for name in stored where !expected.contains(name) && !isRedundant(name) { problems.append(.unexpectedTensor(name)) }
    return problems
  }
}
