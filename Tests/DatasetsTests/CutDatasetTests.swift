import Datasets
import Foundation
import Glibc
import TensorFiles
import TestKit
import Testing

/// A dataset that another program cuts short while its rows are read.
@Suite struct CutDatasetTests {
  @Test func rowsThatAreGoneAreAnErrorOfTheFile() throws {
    let folder = try TemporaryFolder()
    let rows = (0..<2000).map { #"{"text": "row \#($0)"}"# + "\n" }.joined()
    let path = try folder.write(rows, to: "rows.jsonl")
    var count = 0
    let error = #expect(throws: FileError.self) {
      try RowReader.read(path: path) { _ in
        count += 1
        if count == 3 { truncate(path, 60) }
      }
    }
    #expect(error == FileError(path: path, action: .readOn, code: EIO))
  }
}
