import Training

/// Whether a completion is made of tags alone.
package struct TagsReward: RewardKind, SampleReward, Hashable {
  package static let name = "tags"
  package static let doc = "wants each tag once, in order, with nothing but white space around them"

  package var names = ["think", "answer"]

  package init() {}

  package static let settings: [Setting<Self>] = [.texts("names", \.names, doc: "The names of the tags, in order")]

  package var problem: String? {
    if names.isEmpty { return "`names` is empty; say which tags a completion is made of" }
    return names.first { $0.isEmpty || $0.contains { "<>/".contains($0) || $0.isWhitespace } }.map {
      "`names` has `\($0)`, which is no name of a tag; write it without `<` and `>`"
    }
  }

  package func reward(of sample: RewardSample) -> Double? {
    var rest = Array(sample.completion.trimmed.utf8)[...]
    for name in names {
      let (opening, closing) = (Array("<\(name)>".utf8), Array("</\(name)>".utf8))
      rest = Array(String(decoding: rest, as: UTF8.self).trimmed.utf8)[...]
      guard rest.starts(with: opening) else { return 0 }
      rest = rest.dropFirst(opening.count)
      guard let end = rest.firstRange(of: closing), rest[..<end.lowerBound].firstRange(of: opening) == nil else {
        return 0
      }
      rest = rest[end.upperBound...]
    }
    return rest.isEmpty ? 1 : 0
  }
}
