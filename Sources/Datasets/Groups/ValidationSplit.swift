/// Which records are held out: a function of each record alone.
///
/// Appending or removing rows moves no other row across the split, and equal rows fall on the same side, so nothing
/// that is evaluated on was ever trained on.
package struct ValidationSplit: Sendable, Hashable {
  /// The share of records held out, from 0 to 1.
  package var share: Double

  package init(share: Double) { self.share = share }

  /// - Parameter line: The record's canonical line.
  package func holdsOut(_ line: String) -> Bool {
    share > 0 && Double(stableHash(line, salt: "split")) < share * 0x1p64
  }
}
