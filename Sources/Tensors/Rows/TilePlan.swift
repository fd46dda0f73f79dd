/// Which memory of a tile each array has that exists for a tile only: arrays that are not used at the same time share it.
///
/// The largest array first, each where the lowest gap is between those placed before it whose use overlaps its own
/// ("greedy by size", Pisarchyk and Lee 2020, "Efficient memory management for deep neural net inference").
struct TilePlan {
  /// Columns of all memory: a tile takes so many floats a row.
  private(set) var columns = 0
  private var places: [(array: RowArray, uses: ClosedRange<Int>, columns: Range<Int>)] = []

  /// Decides for each array whether it exists for tiles only, and where.
  ///
  /// - Parameter parts: What each part of the program makes and reads, in the order of the parts.
  init(_ parts: [[RowArray]]) {
    var index: [ObjectIdentifier: Int] = [:]
    var arrays: [(array: RowArray, uses: ClosedRange<Int>)] = []
    for (part, used) in parts.enumerated() {
      for array in used {
        if let known = index[ObjectIdentifier(array)] {
          arrays[known].uses = arrays[known].uses.lowerBound...part
        } else {
          index[ObjectIdentifier(array)] = arrays.count
          arrays.append((array, part...part))
        }
      }
    }
    let forTiles = arrays.filter { $0.array.isForTiles() }
    for (array, uses) in forTiles.sorted(by: { $0.array.columns > $1.array.columns }) { place(array, uses) }
  }

  /// Ends the time of the arrays that the plan holds.
  func end() {
    for place in places { place.array.lie(behind: nil) }
  }

  private mutating func place(_ array: RowArray, _ uses: ClosedRange<Int>) {
    // Every array starts at a cache line.
    let width = (array.columns + 15) / 16 * 16
    var start = 0
    for taken in places.filter({ $0.uses.overlaps(uses) }).map(\.columns).sorted(by: { $0.lowerBound < $1.lowerBound })
    {
      if taken.lowerBound >= start + width { break }
      start = max(start, taken.upperBound)
    }
    array.lie(behind: start)
    places.append((array, uses, start..<start + width))
    columns = max(columns, start + width)
  }
}
