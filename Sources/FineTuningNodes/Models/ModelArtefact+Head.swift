import Diagnostics
import LanguageModels
import ModelFolders
import Pipeline
import TensorFiles
import Tensors
import Training

/// The head beside a model that scores hidden states.
///
/// Its file and the names in it are those of LLaMA-Factory and of TRL's models with a value head.
extension ModelArtefact {
  static let head = "head"
  static let headFile = "value_head.safetensors"
  /// What the facet `head` says.
  static let rewardHead: Facet = "reward"

  /// The head beside the model; nil where there is none.
  ///
  /// - Throws: ``TensorFileError``, ``ScoreHeadError``.
  func scoreHead() throws -> ScoreHead? {
    let member = Self.head + "/" + Self.headFile
    guard view.contains(member) else { return nil }
    let path = try view.path(of: member)
    let file = try SafetensorsFile(path: path)
    let width = try source().configuration.hiddenSize
    func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
      let found = try file.entry(name).shape
      guard found == shape else { throw ScoreHeadError(file: path, name: name, found: found, expected: shape) }
      let tensor = Tensor(shape: shape)
      try file.readFloats(name, into: UnsafeMutableBufferPointer(start: tensor.pointer, count: tensor.count))
      return tensor
    }
    return ScoreHead(
      weight: try tensor(ScoreHead.weightName, [1, width]), bias: try tensor(ScoreHead.biasName, [1]))
  }

  /// Writes what a stage trained beside the model, where that is a head.
  static func writeHead(_ parameters: [Parameter], in output: ArtefactBuilder) throws {
    let writer = try SafetensorsWriter(
      path: output.path(for: head + "/" + headFile),
      tensors: parameters.map { .init(name: $0.name, type: .float32, shape: $0.value.shape) })
    for parameter in parameters {
      try writer.write(
        parameter.name, floats: UnsafeBufferPointer(start: parameter.value.pointer, count: parameter.value.count))
    }
    try writer.finish()
  }
}

/// A head whose tensors do not fit the model.
struct ScoreHeadError: Error, Sendable {
  var file: String
  var name: String
  var found: [Int]
  var expected: [Int]
}

extension ScoreHeadError: DiagnosticError {
  var diagnostics: [Diagnostic] {
    [
      Diagnostic(
        code: "score-head", "`\(name)` does not fit the model", at: Place(file: file),
        reason: "its shape is \(found), the model takes \(expected)")
    ]
  }
}
