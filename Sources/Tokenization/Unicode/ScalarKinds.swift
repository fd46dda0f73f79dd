import Diagnostics
import Glibc

/// What every scalar is to the scanners of ``TextScanner``: a byte of bits each.
///
/// A flat table of 1.1 MB, most of whose pages are never touched. Cost of making it: some 100 µs, once.
struct ScalarKinds: @unchecked Sendable {
  static let letter: UInt8 = 1 << 0
  static let mark: UInt8 = 1 << 1
  static let number: UInt8 = 1 << 2
  static let punctuation: UInt8 = 1 << 3
  static let symbol: UInt8 = 1 << 4
  static let space: UInt8 = 1 << 5
  /// Rust's `char::is_numeric`, by which the pre-tokenizer `Digits` cuts.
  static let numeric: UInt8 = 1 << 6
  /// A text may fail to be in form NFC here.
  static let nfc: UInt8 = 1 << 7

  /// Written once, before anyone reads; lives as long as the process.
  static let table = ScalarKinds()

  let bits: UnsafePointer<UInt8>

  private init() {
    let count = 0x11_0000
    // Zeroed pages come from the system as they are touched.
    guard let memory = calloc(count, 1) else { stop("Out of memory: a table of 1.1 MB was wanted") }
    let bits = memory.bindMemory(to: UInt8.self, capacity: count)
    func mark(_ ranges: [UInt32], _ bit: UInt8) {
      for index in stride(from: 0, to: ranges.count, by: 2) {
        for scalar in ranges[index]...ranges[index + 1] { bits[Int(scalar)] |= bit }
      }
    }
    mark(UnicodeTables.letters, Self.letter)
    mark(UnicodeTables.marks, Self.mark)
    mark(UnicodeTables.numbers, Self.number)
    mark(UnicodeTables.punctuations, Self.punctuation)
    mark(UnicodeTables.symbols, Self.symbol)
    mark(ScalarSet.whitespaceRanges, Self.space)
    mark(UnicodeTables.numeric, Self.numeric)
    mark(UnicodeTables.nfc, Self.nfc)
    self.bits = UnsafePointer(bits)
  }

  @inline(__always)
  subscript(scalar: UInt32) -> UInt8 { bits[Int(scalar)] }
}
