import Diagnostics
import Foundation
import TensorFiles

/// The bytes of a file.
func readBytes(_ path: String) throws -> [UInt8] { try MappedFile(path: path).contents }

/// Writes a file whole and brings it to the disk.
func writeFile(_ bytes: [UInt8], to path: String) throws {
  let output = try OutputFile(path: path)
  try output.write(bytes)
  try output.finish()
}

func writeFile(_ text: String, to path: String) throws { try writeFile(Array(text.utf8), to: path) }

/// Makes a folder to write a model into; one that exists must be empty, so that nothing stale is taken for part of it.
func makeEmptyFolder(_ path: String) throws {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  let names = try folderNames(path) ?? []
  guard names.isEmpty else { throw ModelFolderError(path, .notEmpty(files: names)) }
}
