import Diagnostics
import Foundation
import Pipeline

/// The folder that a program is started in: copies of its files, links to its inputs, and a folder for each output.
///
///     train.py  inputs/tokens/shard-00000.tokens  outputs/adapter/  checkpoints
///
/// Beside it lie `HOME` and `TMPDIR`, and all goes when the node has ended.
struct ExecFolder {
  /// Names that no file of the user's may have there.
  static let taken = ["inputs", "outputs", ExecWord.checkpoints]

  private let root: String
  private let fields: ExecFields
  private let context: NodeContext
  private let manager = FileManager.default

  var path: String { root + "/work" }

  init(_ fields: ExecFields, _ context: NodeContext) throws {
    self.fields = fields
    self.context = context
    root = try context.scratchFolder() + "/program"
    for folder in [path, home, temporary, path + "/inputs"] + outputs.map(\.folder) {
      try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    for file in context.sources.files { try context.copySource(file.role, to: "\(path)/\(file.role)") }
    for (name, view) in context.namedInputs("inputs") { try view.linkMembers(into: "\(path)/inputs/\(name)") }
    if words.contains(where: { $0.names.contains(ExecWord.checkpoints) }) {
      try manager.createSymbolicLink(
        atPath: "\(path)/\(ExecWord.checkpoints)", withDestinationPath: context.checkpointFolder())
    }
  }

  private var home: String { root + "/home" }
  private var temporary: String { root + "/tmp" }
  private var words: [ExecWord] { (fields.command ?? []).map(ExecWord.init) }
  private var outputs: [(name: String, type: ExecOutput, folder: String)] {
    (fields.outputs ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value, "\(path)/outputs/\($0.key)") }
  }

  /// The program with all that it sees.
  ///
  /// - Throws: ``ExecError/missing(_:path:)``.
  func program() throws -> OutsideProgram {
    let command = words.map { $0.text(threads: context.threads) }
    let environment = ["HOME": home, "TMPDIR": temporary].merging(fields.variables) { $1 }
    guard let program = OutsideProgram(command, environment: environment, folder: path) else {
      throw ExecError.missing(command.first ?? "", path: environment["PATH"] ?? "")
    }
    return program
  }

  /// Reads the inputs once more: a program that may write to them may have done so.
  ///
  /// - Throws: What is thrown for a lost input; whoever made it makes it again.
  func checkInputs() throws {
    for (name, view) in context.namedInputs("inputs") {
      for member in view.members {
        do { _ = try view.path(of: member) } catch {
          context.warn(
            Diagnostic(
              .warning, code: "input-written", "The program has written to its input `inputs/\(name)/\(member)`",
              reason: "inputs are shared by all nodes that take them, and are only to be read",
              advice: "have it work on a copy"))
          throw error
        }
      }
    }
  }

  /// Takes over what the program has made.
  ///
  /// - Throws: ``ExecError``, and what taking files over throws.
  func collect() throws {
    let place = path + "/outputs"
    for output in outputs {
      var isFolder: ObjCBool = false
      let isThere = manager.fileExists(atPath: output.folder, isDirectory: &isFolder)
      let isLink = (try? manager.destinationOfSymbolicLink(atPath: output.folder)) != nil
      guard !isThere || isFolder.boolValue && !isLink else { throw ExecError.noFolder(output.name, isLink: isLink) }
      let builder = try context.output(output.name)
      if isThere { try builder.take(output.folder) }
      let made = try manager.subpathsOfDirectory(atPath: builder.folder)
      guard !made.isEmpty else {
        throw ExecError.empty(output.name, output.type, found: try manager.subpathsOfDirectory(atPath: place).sorted())
      }
    }
    let known = Set(outputs.map(\.name))
    for name in try manager.contentsOfDirectory(atPath: place).sorted() where !known.contains(name) {
      context.warn(
        Diagnostic(
          .warning, code: "undeclared-output", "`outputs/\(name)` is not kept: no output is declared by that name",
          reason: "the node's outputs are [\(known.sorted().joined(separator: ", "))]",
          advice: "`outputs: {\(name): files}` keeps it"))
    }
  }
}
