import Diagnostics
import LanguageModels

/// Compares the tensors that a configuration asks for with those that a model's files hold.
struct TensorCheck {
  let configuration: ModelConfiguration
  /// The names that the files hold, in their own words.
  let stored: [String]
  /// The names and the shapes of the tensors of the files that a tensor is read from.
  let places: (TensorSpecification) -> [(name: String, shape: [Int])]
  /// The row-major shape of a stored tensor.
  let shape: (String) -> [Int]?
  /// Whether the files do not tell ones in front of a shape.
  var passesOverOnes = false

  /// Finding the nearest name takes a while among thousands: only the first problems, which are told, have one.
  private static let suggestions = 8

  /// What does not fit.
  ///
  /// - Parameter isRedundant: Whether a tensor that the configuration does not ask for repeats what is known.
  func problems(isRedundant: (String) -> Bool) -> [ModelFolderError.Problem] {
    var problems: [ModelFolderError.Problem] = []
    let tensors = configuration.tensors.map(places)
    let known = Set(tensors.flatMap { $0.map(\.name) })
    let unexplained = stored.filter { !known.contains($0) && !isRedundant($0) }
    var told: Set<String> = []
    for places in tensors {
      for (name, wanted) in places where told.insert(name).inserted {
        guard let found = shape(name) else {
          let nearest = problems.count < Self.suggestions ? nearestName(to: name, among: unexplained) : nil
          problems.append(.missingTensor(name, nearest: nearest))
          continue
        }
        guard significant(found) != significant(wanted) else { continue }
        problems.append(.wrongShape(tensor: name, wanted: wanted, found: found))
      }
    }
    return problems + unexplained.map { .unexpectedTensor($0) }
  }

  /// What the files tell of a shape.
  private func significant(_ shape: [Int]) -> [Int] {
    passesOverOnes ? [Int](shape.dropLast().drop { $0 == 1 }) + shape.suffix(1) : shape
  }
}
