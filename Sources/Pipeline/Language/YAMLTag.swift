/// The tags of the core schema, by what they may stand on.
enum YAMLTag {
  case text
  case scalar
  case list
  case map
  case other

  init(_ tag: String) {
    switch Self.short(tag) {
    case "!!str", "!": self = .text
    case "!!int", "!!float", "!!bool", "!!null": self = .scalar
    case "!!seq": self = .list
    case "!!map": self = .map
    default: self = .other
    }
  }

  static func short(_ tag: String) -> String {
    let core = "tag:yaml.org,2002:"
    return tag.hasPrefix(core) ? "!!" + tag.dropFirst(core.count) : tag
  }
}
