import ArgumentParser
import Diagnostics
import Glibc
import Pipeline

/// `anneal cache keygen`: a key to sign results with.
struct CacheKeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keygen", abstract: "Makes a key that signs results, and prints what others trust.",
    discussion: """
      The file is for `signing_key:` of ~/.config/anneal/config.yaml, and for nobody else to read. The line that is printed is for `trusted_keys:` \
      of those who are to believe what it signs.
      """)

  @Argument(help: "Whose key it is, such as `ci` or `mara@lab`.")
  var name: String

  @Option(help: "The file to make; NAME.key beside the user's configuration unless given.")
  var file: String?

  func run() throws {
    try reportingProblems {
      guard isKeyName(name) else {
        throw Diagnostic(
          code: "bad-name", "`\(name)` is no name for a key",
          reason: "names have letters, digits, `-`, `_`, `.` and `@`")
      }
      guard let path = file ?? UserConfiguration.path.map({ parentFolder(of: $0) + "/\(name).key" }) else {
        throw Diagnostic(
          code: "no-home", "There is no home folder to put the key into", advice: "name a file with `--file`")
      }
      let key = SigningKey(name: name)
      let files = FileSystem()
      if path.contains("/") { try files.makeFolder(parentFolder(of: path)) }
      do { try files.create(path, Array(key.file.utf8), mode: 0o600) } catch let error as SystemError
        where error.code == EEXIST
      {
        throw Diagnostic(
          code: "key-exists", "There is a file `\(path)` already",
          reason: "whoever trusts it would not know the new key",
          advice: "name another file with `--file`")
      }
      // In the user's configuration a relative path would start there.
      let whole = try files.resolved(path)
      Terminal.say("the key is in \(path); `signing_key: \(whole)` signs with it")
      Terminal.put(try key.trusted.text)
    }
  }
}
