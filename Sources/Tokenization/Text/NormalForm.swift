import Foundation

/// A Unicode normal form, exactly as HF `tokenizers` computes it.
///
/// That library normalises by an old Unicode: characters that came later are inert to it. So only runs of scalars that
/// it knows to matter (see `UnicodeTables`) go through Foundation, whose results for them the stability policy of
/// Unicode fixes for ever (UAX #15); everything else is copied. Cost: O(bytes) when nothing matters.
enum NormalForm: String, Sendable, CaseIterable {
  case nfc = "NFC"
  case nfd = "NFD"
  case nfkc = "NFKC"
  case nfkd = "NFKD"

  private static let sets: [NormalForm: ScalarSet] = [
    .nfc: ScalarSet(ranges: UnicodeTables.nfc), .nfd: ScalarSet(ranges: UnicodeTables.nfd),
    .nfkc: ScalarSet(ranges: UnicodeTables.nfkc), .nfkd: ScalarSet(ranges: UnicodeTables.nfkd),
  ]

  /// Whether a mark in the set can join with the scalar before it.
  private var composes: Bool { self == .nfc || self == .nfkc }

  /// The text in this form, or nil when it is so already.
  func apply(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard hasSuspect(text), let set = Self.sets[self] else { return nil }
    var result: [UInt8]?
    var copied = 0
    var index = 0
    var previous = 0
    while index < text.count {
      if text[index] < 0x80 {
        previous = index
        index += 1
        continue
      }
      let (value, length) = UTF8Text.scalar(at: index, in: text)
      guard set.contains(value) else {
        previous = index
        index += length
        continue
      }
      let start = composes && previous < index && Self.isStarter(text, previous) ? previous : index
      index += length
      while index < text.count {
        let (next, nextLength) = UTF8Text.scalar(at: index, in: text)
        guard set.contains(next) else { break }
        index += nextLength
      }
      let run = String(decoding: UnsafeBufferPointer(rebasing: text[start..<index]), as: UTF8.self)
      let normalized = string(run)
      if result == nil {
        result = []
        result?.reserveCapacity(text.count + 64)
      }
      result?.append(contentsOf: text[copied..<start])
      result?.append(contentsOf: normalized.utf8)
      copied = index
      previous = index
    }
    result?.append(contentsOf: text[copied...])
    return result
  }

  /// Whether a scalar of the text may matter, which is hardly ever so in form NFC.
  private func hasSuspect(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard self == .nfc else { return true }
    var index = UTF8Text.nonASCII(in: text, from: 0)
    while index < text.count {
      let (value, length) = UTF8Text.scalar(at: index, in: text)
      if ScalarKinds.table[value] & ScalarKinds.nfc != 0 { return true }
      index = UTF8Text.nonASCII(in: text, from: index + length)
    }
    return false
  }

  /// Whether the scalar at `index` is no mark to Foundation either: marks that came after HF's Unicode must stay apart.
  private static func isStarter(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
    let scalar = Unicode.Scalar(UTF8Text.scalar(at: index, in: text).value)
    return scalar?.properties.canonicalCombiningClass == .notReordered
  }

  private func string(_ text: String) -> String {
    switch self {
    // Composing alone leaves a Hangul syllable and a final consonant after it apart, against UAX #15.
    case .nfc: text.decomposedStringWithCanonicalMapping.precomposedStringWithCanonicalMapping
    case .nfd: text.decomposedStringWithCanonicalMapping
    case .nfkc: text.decomposedStringWithCompatibilityMapping.precomposedStringWithCanonicalMapping
    case .nfkd: text.decomposedStringWithCompatibilityMapping
    }
  }
}
