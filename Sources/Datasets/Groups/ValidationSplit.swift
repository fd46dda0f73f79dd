/// Which records are held out: a function of each record alone, whatever renders and tokenises it.
///
/// Appending or removing rows moves no other row across the split, nor does another template or tokenizer, and equal rows
/// fall on the same side, so nothing that is evaluated on was ever trained on. A record is held out when its hash, read
/// as a fraction from 0 to below 1, is less than the share: a larger share keeps what a smaller one held out.
package struct ValidationSplit: Sendable, Hashable {
  /// The share of records held out, from 0 to 1.
  package var share: Double

  package init(share: Double) { self.share = share }

  package func holdsOut(_ hash: RecordHash) -> Bool { share > 0 && Double(hash.value) < share * 0x1p64 }
}
