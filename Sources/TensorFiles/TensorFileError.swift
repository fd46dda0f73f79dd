import Diagnostics

/// What is wrong with a file of tensors, with the evidence.
package struct TensorFileError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    /// The file ends before something it promises.
    case truncated(needed: Int, found: Int, what: String)
    case notThisFormat(format: String, found: String)
    /// A file of another kind, known by its first bytes.
    case otherKind(format: String, found: FileSignature)
    case unsupportedVersion(format: String, version: Int, supported: String)
    case invalidHeader(String)
    case unknownElementType(tensor: String, type: String)
    case missingTensor(String, nearest: String?)
    case wrongSize(tensor: String, expected: Int, found: Int)
    case notFloat(tensor: String, type: String)
    case missingKey(String, nearest: String?)
    case wrongKeyType(key: String, expected: String, found: String)
    case tooLarge(what: String, value: UInt64, limit: UInt64)
    /// The writer was closed before all tensors came, or a tensor came twice.
    case unfinished(missing: [String])
  }

  package var problem: Problem
  package var file: String
  package var byteOffset: Int?

  package init(_ problem: Problem, file: String, byteOffset: Int? = nil) {
    self.problem = problem
    self.file = file
    self.byteOffset = byteOffset
  }
}

extension TensorFileError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    let (summary, reason, advice) = words
    return [
      Diagnostic(
        code: "tensor-file", summary, at: Place(file: file, byteOffset: byteOffset), reason: reason, advice: advice)
    ]
  }

  private var words: (summary: String, reason: String?, advice: String?) {
    switch problem {
    case .truncated(let needed, let found, let what):
      ("The file is cut short", "\(what) needs \(needed) bytes, the file has \(found)", "fetch the file again")
    case .notThisFormat(let format, let found):
      ("This is not a \(format) file", "it starts with \(found)", "check that the path names the right file")
    case .otherKind(let format, let found):
      ("This is \(found.name), not a \(format) file", "its first bytes say so", found.advice)
    case .unsupportedVersion(let format, let version, let supported):
      ("Version \(version) of \(format) is not supported", "supported: \(supported)", "convert the file")
    case .invalidHeader(let detail): ("The header of the file is invalid", detail, "fetch the file again")
    case .unknownElementType(let tensor, let type):
      ("Tensor `\(tensor)` has an element type that cannot be read: \(type)", nil, "convert the file to another type")
    case .missingTensor(let name, let nearest):
      ("The file has no tensor `\(name)`", nil, nearest.map { "`\($0)`" })
    case .wrongSize(let tensor, let expected, let found):
      ("Tensor `\(tensor)` has \(found) elements where \(expected) are needed", nil, nil)
    case .notFloat(let tensor, let type):
      ("Tensor `\(tensor)` holds \(type), not floating-point numbers", nil, nil)
    case .missingKey(let key, let nearest):
      ("The file has no metadata key `\(key)`", nil, nearest.map { "`\($0)`" })
    case .wrongKeyType(let key, let expected, let found):
      ("Metadata key `\(key)` is \(found) where \(expected) is needed", nil, nil)
    case .tooLarge(let what, let value, let limit):
      ("The file claims \(value) for \(what)", "the limit is \(limit)", "fetch the file again")
    case .unfinished(let missing):
      ("The file was closed before all tensors were written", "missing: [\(missing.joined(separator: ", "))]", nil)
    }
  }
}
