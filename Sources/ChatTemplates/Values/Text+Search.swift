extension Text {
  /// The first place of `needle` at or after `start`, ending at or before `limit`.
  ///
  /// Cost: O(count + needle).
  func firstIndex(of needle: Text, from start: Int = 0, limit: Int? = nil) -> Int? {
    let last = (limit ?? count) - needle.count
    if start > last { return nil }
    guard let head = needle.scalars.first else { return start }
    if needle.count > Self.shortNeedle { return Self.find(needle.scalars, in: scalars[start..<last + needle.count]) }
    return scalars.withUnsafeBufferPointer { here in
      needle.scalars.withUnsafeBufferPointer { there in
        var i = start
        search: while i <= last {
          if here[i] == head {
            var j = 1
            while j < there.count {
              if here[i + j] != there[j] {
                i += 1
                continue search
              }
              j += 1
            }
            return i
          }
          i += 1
        }
        return nil
      }
    }
  }

  /// Up to here looking at each place is fast however the texts are made.
  private static let shortNeedle = 16

  /// The search of Knuth, Morris and Pratt, in linear time for every text and needle.
  private static func find(_ needle: [Unicode.Scalar], in text: ArraySlice<Unicode.Scalar>) -> Int? {
    var borders = [0]
    borders.reserveCapacity(needle.count)
    func extended(_ length: Int, by scalar: Unicode.Scalar) -> Int {
      var length = length
      while length > 0, needle[length] != scalar { length = borders[length - 1] }
      return needle[length] == scalar ? length + 1 : 0
    }
    for scalar in needle.dropFirst() { borders.append(extended(borders[borders.count - 1], by: scalar)) }
    var length = 0
    for index in text.indices {
      length = extended(length, by: text[index])
      if length == needle.count { return index - length + 1 }
    }
    return nil
  }

  /// The last place of `needle` between `start` and `limit`.
  func lastIndex(of needle: Text, from start: Int = 0, limit: Int? = nil) -> Int? {
    let end = limit ?? count
    if needle.count > Self.shortNeedle, end - start >= needle.count {
      let backwards = Array(scalars[start..<end].reversed())
      return Self.find(needle.scalars.reversed(), in: backwards[...]).map { end - $0 - needle.count }
    }
    var i = end - needle.count
    while i >= start {
      if has(needle, at: i) { return i }
      i -= 1
    }
    return nil
  }

  /// Whether `needle` stands at `index`.
  func has(_ needle: Text, at index: Int) -> Bool {
    guard index >= 0, index + needle.count <= count else { return false }
    for i in 0..<needle.count where scalars[index + i] != needle.scalars[i] { return false }
    return true
  }

  func hasPrefix(_ prefix: Text) -> Bool { has(prefix, at: 0) }
  func hasSuffix(_ suffix: Text) -> Bool { has(suffix, at: count - suffix.count) }

  /// How often `needle` stands in the text without overlaps, as Python counts (an empty one: count + 1 times).
  func occurrences(of needle: Text, from start: Int, limit: Int) -> Int {
    if start > limit { return 0 }
    if needle.isEmpty { return limit - start + 1 }
    var found = 0
    var index = start
    while let next = firstIndex(of: needle, from: index, limit: limit) {
      found += 1
      index = next + needle.count
    }
    return found
  }

  /// Python's `strip` family: which characters go is white space when `characters` is nil.
  func stripped(_ characters: Text? = nil, left: Bool = true, right: Bool = true) -> Text {
    let set = characters.map { Set($0.scalars) }
    func goes(_ scalar: Unicode.Scalar) -> Bool { set?.contains(scalar) ?? scalar.isPythonSpace }
    var start = 0
    var end = count
    if left { while start < end, goes(scalars[start]) { start += 1 } }
    if right { while end > start, goes(scalars[end - 1]) { end -= 1 } }
    return self[start..<end]
  }

  /// Where `replace` finds `old`: at most `limit` places, all when negative.
  ///
  /// An empty text stands before every character and at the end, as in Python.
  func places(of old: Text, limit: Int) -> [Range<Int>] {
    let most = limit < 0 ? Int.max : limit
    if old.isEmpty { return (0..<min(most, count + 1)).map { $0..<$0 } }
    var places: [Range<Int>] = []
    var index = 0
    while places.count < most, let next = firstIndex(of: old, from: index) {
      index = next + old.count
      places.append(next..<index)
    }
    return places
  }

  /// The text with `new` at each of `places`, which ascend.
  ///
  /// The kept parts keep their spans; what takes the place of a field's characters counts as made of them.
  func replacing(_ places: [Range<Int>], with new: Text) throws -> Text {
    if places.isEmpty { return self }
    var kept: [Range<Int>] = []
    var index = 0
    for place in places {
      kept.append(index..<place.lowerBound)
      index = place.upperBound
    }
    kept.append(index..<count)
    let parts = try slices(kept)
    let replaced = try new.isEmpty ? [] : slices(places)
    var result = parts[0]
    for (number, part) in parts.dropFirst().enumerated() {
      result.append(new.isEmpty ? new : new.standing(for: replaced[number]))
      result.append(part)
    }
    return result
  }

  /// The text with the fields of `old` noted over the whole of it.
  private func standing(for old: Text) -> Text {
    guard !old.isEmpty else { return self }
    var text = self
    text.spans += Text.covering(old.spans, count: count)
    return text
  }

  /// Python's `split(separator, maxsplit)`; nil splits at runs of white space.
  func split(_ separator: Text?, limit: Int) throws -> [Text] {
    let most = limit < 0 ? Int.max : limit
    var parts: [Range<Int>] = []
    var index = 0
    if let separator {
      while parts.count < most, let next = firstIndex(of: separator, from: index) {
        parts.append(index..<next)
        index = next + separator.count
      }
      parts.append(index..<count)
      return try slices(parts)
    }
    while true {
      while index < count, scalars[index].isPythonSpace { index += 1 }
      if index == count { return try slices(parts) }
      if parts.count == most {
        parts.append(index..<count)
        return try slices(parts)
      }
      let start = index
      while index < count, !scalars[index].isPythonSpace { index += 1 }
      parts.append(start..<index)
    }
  }

  /// Python's `rsplit(separator, maxsplit)`.
  func splitFromRight(_ separator: Text?, limit: Int) throws -> [Text] {
    if limit < 0 { return try split(separator, limit: limit) }
    var parts: [Range<Int>] = []
    var end = count
    if let separator {
      let backwards = Text(scalars: scalars.reversed())
      let reversed = Text(scalars: separator.scalars.reversed())
      while parts.count < limit, let next = backwards.firstIndex(of: reversed, from: count - end) {
        parts.append(count - next..<end)
        end = count - next - separator.count
      }
      parts.append(0..<end)
      return try slices(parts.reversed())
    }
    while true {
      while end > 0, scalars[end - 1].isPythonSpace { end -= 1 }
      if end == 0 { return try slices(parts.reversed()) }
      if parts.count == limit {
        parts.append(0..<end)
        return try slices(parts.reversed())
      }
      let stop = end
      while end > 0, !scalars[end - 1].isPythonSpace { end -= 1 }
      parts.append(end..<stop)
    }
  }

  /// Python's `splitlines`.
  func lines(keepingEnds: Bool = false) throws -> [Text] {
    var lines: [Range<Int>] = []
    var index = 0
    while index < count {
      let start = index
      while index < count, !scalars[index].isPythonLineEnd { index += 1 }
      let stop = index
      if index < count {
        index += scalars[index] == "\r" && index + 1 < count && scalars[index + 1] == "\n" ? 2 : 1
      }
      lines.append(start..<(keepingEnds ? index : stop))
    }
    return try slices(lines)
  }
}
