import ArgumentParser
import Diagnostics
import FineTuningNodes
import Foundation
import Glibc
import Pipeline

/// Where commands find the store and the project.
struct Workplace: ParsableArguments {
  @Option(help: "The store's folder; $ANNEAL_STORE, else the user's cache folder.")
  var store: String?

  /// Paths are texts here, and records name them: a store in a folder whose name is none would be taken for another one.
  func validate() throws {
    guard let place = getcwd(nil, 0) else {
      throw ValidationError("The folder that this was started in is not there any more, or may not be read.")
    }
    free(place)
    for name in ["ANNEAL_STORE", "XDG_CACHE_HOME", "HOME"] {
      guard let value = getenv(name), String(validatingCString: value) == nil else { continue }
      throw ValidationError("The path in `\(name)` is not UTF-8 text: `\(String(cString: value))`. Name another one.")
    }
  }

  /// The store, not made before something is written to it.
  var openedStore: Store {
    // Absolute, since workers and links must find it from anywhere.
    let path = store ?? Store.defaultPath
    let whole = path.hasPrefix("/") ? path : project + "/" + path
    return Store(path: URL(fileURLWithPath: whole).standardizedFileURL.path)
  }

  /// The folder the command runs in: relative paths of a pipeline start here, and `.anneal/` and `results/` lie here.
  var project: String {
    do { return try currentFolder() } catch { stop("Cannot tell which folder this is: \(error.words)") }
  }

  var history: RunHistory { RunHistory(project: project, warn: { Terminal.report($0) }) }
}
