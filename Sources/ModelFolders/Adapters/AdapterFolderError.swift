import Diagnostics

/// Everything that is wrong with an adapter on disk; worded below.
package struct AdapterFolderError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    case notAnAdapter
    case noWeights(isPickled: Bool)
    case wrongValue(key: String, wanted: String)
    /// An option that means something this program does not compute.
    case unsupported(key: String, found: String, supported: String)
    /// An option that nobody here knows, which may change what is computed.
    case unknownOption(String)
    case noTargets
    /// A module that `target_modules` lists and no tensor is for.
    case missingTarget(String)
    case missingTensor(String)
    /// An embedding that is trained without the head that it is.
    case untiedHead
    case wrongShape(tensor: String, wanted: [Int], found: [Int])
    /// A tensor for a module that the model does not have.
    case unmatchedTensor(String, nearest: String?)
    /// What was read back is not what was written.
    case differsAfterWriting(String)
  }

  package var path: String
  package var problems: [Problem]

  package init(_ path: String, _ problems: Problem...) {
    self.path = path
    self.problems = problems
  }

  package init(_ path: String, problems: [Problem]) {
    self.path = path
    self.problems = problems
  }
}

extension AdapterFolderError: DiagnosticError {
  /// An adapter for another model is wrong in every tensor: this many problems are told, the rest counted.
  private static let limit = 8

  package var diagnostics: [Diagnostic] {
    [Diagnostic](problems, limit: Self.limit, code: "adapter-folder", at: Place(file: path), words: Self.words)
  }

  private static func words(_ problem: Problem) -> (summary: String, reason: String?, advice: String?) {
    switch problem {
    case .notAnAdapter:
      ("This is not a PEFT adapter", "there is no `adapter_config.json`", "name the folder that holds it")
    case .noWeights(let isPickled):
      isPickled
        ? (
          "The adapter's weights are not safetensors", "found `adapter_model.bin`, which can run code when loaded",
          "save it with PEFT again"
        ) : ("The adapter has no weights", "there is no `adapter_model.safetensors`", nil)
    case .wrongValue(let key, let wanted): ("`\(key)` is not \(wanted)", nil, nil)
    case .unsupported(let key, let found, let supported):
      ("`\(key)` is \(found), which is not supported", "supported: \(supported)", nil)
    case .unknownOption(let key):
      (
        "`\(key)` is not known", "it may change what the adapter computes, and nothing here would compute it",
        "remove it from `adapter_config.json` if it changes nothing"
      )
    case .noTargets: ("The adapter has no tensors for any linear map", nil, nil)
    case .missingTarget(let name):
      (
        "The adapter has no tensor for `\(name)`", "`target_modules` lists it",
        "fetch the adapter again, or take the name out of `target_modules`"
      )
    case .missingTensor(let name):
      ("The adapter has no tensor `\(name)`", "the model has a module for it, and other blocks have theirs", nil)
    case .untiedHead:
      (
        "The adapter trains the embedding and leaves the head behind, which is the same matrix in this model",
        "`modules_to_save` has the embedding and `ensure_weight_tying` is not true", "train it with that option"
      )
    case .wrongShape(let tensor, let wanted, let found):
      ("Tensor `\(tensor)` has shape \(found)", "the model and the rank say \(wanted)", "use the adapter's own base")
    case .unmatchedTensor(let name, let nearest):
      ("Tensor `\(name)` matches no module of the model", nil, nearest.map { "`\($0)`" })
    case .differsAfterWriting(let what):
      ("What was written reads back differently: \(what)", nil, "check the disk and export again")
    }
  }
}
