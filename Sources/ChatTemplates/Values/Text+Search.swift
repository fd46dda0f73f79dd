extension Text {
  /// The first place of `needle` at or after `start`, ending at or before `limit`.
  ///
  /// Cost: O(count × needle).
  func firstIndex(of needle: Text, from start: Int = 0, limit: Int? = nil) -> Int? {
    let last = (limit ?? count) - needle.count
    if start > last { return nil }
    guard let head = needle.scalars.first else { return start }
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

  /// The last place of `needle` between `start` and `limit`.
  func lastIndex(of needle: Text, from start: Int = 0, limit: Int? = nil) -> Int? {
    var i = (limit ?? count) - needle.count
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
    func goes(_ scalar: Unicode.Scalar) -> Bool {
      if let characters { return characters.scalars.contains(scalar) }
      return scalar.isPythonSpace
    }
    var start = 0
    var end = count
    if left { while start < end, goes(scalars[start]) { start += 1 } }
    if right { while end > start, goes(scalars[end - 1]) { end -= 1 } }
    return self[start..<end]
  }

  /// Python's `replace`: at most `limit` occurrences, all when negative.
  ///
  /// The kept parts keep their spans.
  func replacing(_ old: Text, with new: Text, limit: Int) -> Text {
    var left = limit < 0 ? Int.max : limit
    if left == 0 || (old.isEmpty ? false : firstIndex(of: old) == nil) { return self }
    var result = Text()
    var index = 0
    if old.isEmpty {
      // Python puts the new text before every character and at the end.
      while index < count, left > 0 {
        result.append(new)
        result.append(self[index..<index + 1])
        index += 1
        left -= 1
      }
      if left > 0 { result.append(new) } else { result.append(self[index..<count]) }
      return result
    }
    while left > 0, let next = firstIndex(of: old, from: index) {
      result.append(self[index..<next])
      result.append(new)
      index = next + old.count
      left -= 1
    }
    result.append(self[index..<count])
    return result
  }

  /// Python's `split(separator, maxsplit)`; nil splits at runs of white space.
  func split(_ separator: Text?, limit: Int) -> [Text] {
    var left = limit < 0 ? Int.max : limit
    var parts: [Text] = []
    var index = 0
    if let separator {
      while left > 0, let next = firstIndex(of: separator, from: index) {
        parts.append(self[index..<next])
        index = next + separator.count
        left -= 1
      }
      parts.append(self[index..<count])
      return parts
    }
    while true {
      while index < count, scalars[index].isPythonSpace { index += 1 }
      if index == count { return parts }
      if left == 0 {
        parts.append(self[index..<count])
        return parts
      }
      let start = index
      while index < count, !scalars[index].isPythonSpace { index += 1 }
      parts.append(self[start..<index])
      left -= 1
    }
  }

  /// Python's `rsplit(separator, maxsplit)`.
  func splitFromRight(_ separator: Text?, limit: Int) -> [Text] {
    if limit < 0 { return split(separator, limit: limit) }
    var left = limit
    var parts: [Text] = []
    var end = count
    if let separator {
      while left > 0, let next = lastIndex(of: separator, limit: end) {
        parts.append(self[next + separator.count..<end])
        end = next
        left -= 1
      }
      parts.append(self[0..<end])
      return parts.reversed()
    }
    while true {
      while end > 0, scalars[end - 1].isPythonSpace { end -= 1 }
      if end == 0 { return parts.reversed() }
      if left == 0 {
        parts.append(self[0..<end])
        return parts.reversed()
      }
      let stop = end
      while end > 0, !scalars[end - 1].isPythonSpace { end -= 1 }
      parts.append(self[end..<stop])
      left -= 1
    }
  }

  /// Python's `splitlines`.
  func lines(keepingEnds: Bool = false) -> [Text] {
    var lines: [Text] = []
    var index = 0
    while index < count {
      let start = index
      while index < count, !scalars[index].isPythonLineEnd { index += 1 }
      let stop = index
      if index < count {
        index += scalars[index] == "\r" && index + 1 < count && scalars[index + 1] == "\n" ? 2 : 1
      }
      lines.append(self[start..<(keepingEnds ? index : stop)])
    }
    return lines
  }
}
