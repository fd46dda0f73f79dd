import Foundation
import ModelFolders

/// Models that lie about, for a command that was not told which one to take.
enum ModelSearch {
  /// The paths of what looks like a model in the current folder, in `models/`, and one folder deeper; sorted.
  ///
  /// Cost: a few folders are listed, no file is read.
  static func nearby() -> [String] {
    let here = models(in: ".").map { String($0.dropFirst(2)) }
    let deeper = names(in: "models").map { "models/" + $0 }
    return (here + models(in: "models") + deeper.flatMap(models)).sorted()
  }

  /// Model folders and GGUF files right in a folder.
  private static func models(in folder: String) -> [String] {
    names(in: folder).filter { isModel(folder + "/" + $0) }.map { folder + "/" + $0 }
  }

  private static func isModel(_ path: String) -> Bool {
    if path.hasSuffix(".gguf") { return true }
    let inside = names(in: path)
    return inside.contains("config.json") && inside.contains { $0.hasSuffix(".safetensors") }
  }

  /// What is in a folder; nothing where there is none, or none that may be read: it is a look around, not a search.
  private static func names(in folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }
}
