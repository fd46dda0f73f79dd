import Diagnostics
import Pipeline

/// LLaMA-Factory's `dataset_info.json`: which file each dataset is, and what its columns are.
struct DatasetRegistry {
  static let fileName = "dataset_info.json"

  let folder: String
  private let text: YAMLText

  /// The path of the registry.
  var path: String { text.source.file }

  var names: [String] { text.tree.pairs.map(\.key.text) }

  /// Reads the registry of a folder; nil when there is none.
  ///
  /// - Throws: `DiagnosticList` with what is wrong about it as JSON, ``SourceError``, ``LookError``.
  init?(folder: String) throws {
    let path = folder.hasSuffix("/") ? folder + Self.fileName : "\(folder)/\(Self.fileName)"
    guard try pathKind(path) != nil else { return nil }
    self.folder = folder
    text = try YAMLText(path: path)
  }

  func entry(_ name: String) -> LocatedValue? { text.tree[name] }

  /// A path in the folder.
  func path(of file: String) -> String {
    file.hasPrefix("/") ? file : folder.hasSuffix("/") ? folder + file : "\(folder)/\(file)"
  }
}
