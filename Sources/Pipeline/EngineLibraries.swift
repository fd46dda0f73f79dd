import CYAML
import GRDB

/// The libraries that the engine stands on, in the versions that are loaded.
package enum EngineLibraries {
  package static var libyaml: String { String(cString: yaml_get_version_string()) }

  package static var sqlite: String {
    // 3,040,001 is version 3.40.1.
    let number = Int(Database.sqliteLibVersionNumber)
    return "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
  }
}
