import Diagnostics
import Glibc

/// Models that lie about, for a command that was not told which one to take.
enum ModelSearch {
  /// The paths of what looks like a model in the current folder, in `models/`, and one folder deeper; sorted.
  ///
  /// Cost: a few folders are listed, no file is read.
  ///
  /// - Throws: `ListingError` where a folder cannot be listed to its end: what is in it is not known then.
  static func nearby() throws -> [String] {
    let here = try models(in: ".").map { String($0.dropFirst(2)) }
    let deeper = try names(in: "models").map { "models/" + $0 }
    return try (here + models(in: "models") + deeper.flatMap(models)).sorted()
  }

  /// Model folders and GGUF files right in a folder.
  private static func models(in folder: String) throws -> [String] {
    try names(in: folder).filter { try isModel(folder + "/" + $0) }.map { folder + "/" + $0 }
  }

  private static func isModel(_ path: String) throws -> Bool {
    if path.hasSuffix(".gguf") { return true }
    let inside = try names(in: path)
    return inside.contains("config.json") && inside.contains { $0.hasSuffix(".safetensors") }
  }

  /// What is in a folder; nothing where there is none, or none that may be read: it is a look around, not a search.
  private static func names(in folder: String) throws -> [String] {
    do { return try folderNames(folder) ?? [] } catch {
      guard [ENOTDIR, EACCES].contains(error.code) else { throw error }
      return []
    }
  }
}
