import Diagnostics

/// Everything that is wrong with a model on disk; worded below.
package struct ModelFolderError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    case notFound
    /// Neither `config.json` nor a GGUF file among the names.
    case notAModel(files: [String])
    case severalModels([String])
    /// No safetensors; perhaps weights in Python's pickle format, which can run code when loaded.
    case noWeights(pickled: [String])
    case invalidIndex(String)
    case missingShard(String)
    case notInShard(tensor: String, shard: String)
    case inTwoFiles(tensor: String, files: [String])
    case missingTensor(String, nearest: String?)
    case wrongShape(tensor: String, wanted: [Int], found: [Int])
    case notFloat(tensor: String, type: String)
    /// A tensor that the configuration does not explain: the model computes something that is not known here.
    case unexpectedTensor(String)
    /// A folder to write into holds files already.
    case notEmpty(files: [String])
    case tokenizerTooLarge(tokens: Int, vocabulary: Int)
    case notWritable(type: String, supported: [String])
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

extension ModelFolderError: DiagnosticError {
  /// A model of another shape can be wrong in every tensor: this many problems are told, the rest counted.
  private static let limit = 8

  package var diagnostics: [Diagnostic] {
    [Diagnostic](problems, limit: Self.limit, code: "model-folder", at: Place(file: path), words: Self.words)
  }

  private static func words(_ problem: Problem) -> (summary: String, reason: String?, advice: String?) {
    switch problem {
    case .notFound:
      ("There is no model here", nil, "check the path; relative paths start at the folder the command runs in")
    case .notAModel(let files):
      (
        "This folder holds no model", "it has neither `config.json` nor a `.gguf` file, but [\(list(files))]",
        "name the folder that holds `config.json`, or the `.gguf` file"
      )
    case .severalModels(let names): ("This folder holds several models", "[\(list(names))]", "name one of the files")
    case .noWeights(let pickled):
      pickled.isEmpty
        ? ("The model has no weights", "there is no `model.safetensors`", "fetch the model again")
        : (
          "The model's weights are not safetensors", "found [\(list(pickled))], which can run code when loaded",
          "convert them with `save_pretrained` of transformers"
        )
    case .invalidIndex(let detail): ("The index of the weights is invalid", detail, "fetch the model again")
    case .missingShard(let name): ("The weight file `\(name)` is missing", "the index names it", "fetch the file")
    case .notInShard(let tensor, let shard):
      ("Tensor `\(tensor)` is not in `\(shard)`", "the index says that it is", "fetch the file again")
    case .inTwoFiles(let tensor, let files):
      ("Tensor `\(tensor)` stands in several files", "[\(list(files))]", "remove the files that do not belong here")
    case .missingTensor(let name, let nearest):
      (
        "The model has no tensor `\(name)`", "the configuration says that it has",
        nearest.map { "rename `\($0)`, which nothing asks for, if it is meant" }
      )
    case .wrongShape(let tensor, let wanted, let found):
      ("Tensor `\(tensor)` has shape \(found)", "the configuration says \(wanted)", nil)
    case .notFloat(let tensor, let type): ("Tensor `\(tensor)` holds \(type), not floating-point numbers", nil, nil)
    case .unexpectedTensor(let name):
      ("Tensor `\(name)` has no meaning here", "no part of the configured architecture has such a tensor", nil)
    case .notEmpty(let files):
      ("The folder to write to is not empty", "it holds [\(list(files))]", "name a new folder")
    case .tokenizerTooLarge(let tokens, let vocabulary):
      (
        "The tokenizer does not belong to this model", "it has \(tokens) tokens, the model \(vocabulary)",
        "use the tokenizer of the model"
      )
    case .notWritable(let type, let supported):
      ("Weights cannot be written as `\(type)`", nil, "one of [\(supported.joined(separator: ", "))]")
    case .differsAfterWriting(let what):
      ("What was written reads back differently: \(what)", nil, "check the disk and export again")
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(6).joined(separator: ", ") + (names.count > 6 ? ", and \(names.count - 6) more" : "")
  }
}
