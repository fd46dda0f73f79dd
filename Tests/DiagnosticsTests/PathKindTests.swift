import Diagnostics
import Foundation
import Glibc
import TestKit
import Testing

@Suite struct PathKindTests {
  @Test func saysWhatStandsThereAndWhatCannotBeTold() throws {
    let folder = try TemporaryFolder()
    try folder.write("x", to: "file")
    let manager = FileManager.default
    try manager.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "file")
    try manager.createSymbolicLink(atPath: folder.path("loop"), withDestinationPath: "loop")
    #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
    let known: [(String, PathKind?)] = [
      ("file", .file), ("link", .file), (".", .folder), ("pipe", .other), ("none", nil), ("file/inside", nil),
    ]
    for (name, kind) in known { #expect(try pathKind(folder.path(name)) == kind, "\(name)") }
    for (name, code) in [("loop", ELOOP), (String(repeating: "x", count: 300), ENAMETOOLONG)] {
      #expect(throws: LookError(path: folder.path(name), code: code)) { try pathKind(folder.path(name)) }
    }
  }
}
