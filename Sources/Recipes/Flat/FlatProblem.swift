import Diagnostics

/// What is wrong with a recipe itself; what is wrong with fields is told by their nodes.
enum FlatProblem: Sendable {
  case unknownKey(String, among: [String])
  case unknownRecipe(String, among: [String])
  case unknownAdapter(String, among: [String])
  /// A name that several maps have.
  case severalMeanings(String, [String])
  /// Two keys that say one field.
  case twice(String, String)
  case noNode(String, node: String, reason: String)
  case wantsText(String, found: String, example: String)
}

extension FlatProblem: WordedProblem {
  var words: ProblemWords {
    switch self {
    case .unknownKey(let name, let names):
      ProblemWords(
        "unknown-key", "Recipes have no key `\(name)`",
        try: (nearestName(to: name, among: names) ?? nameWithin(name, among: names)).map { "`\($0)`" }
          ?? "`anneal expand --keys recipe` lists them")
    case .unknownRecipe(let text, let names):
      ProblemWords(
        "unknown-choice", "There is no recipe `\(text)`", why: "recipes are \(ProblemWords.list(names))",
        try: nearestName(to: text, among: names).map { "`\($0)`" })
    case .unknownAdapter(let text, let names):
      ProblemWords(
        "unknown-choice", "`\(text)` is neither an adapter method nor a folder with an adapter",
        why: "methods are \(ProblemWords.list(names)); `none` trains all of the model",
        try: nearestName(to: text, among: names).map { "`\($0)`" })
    case .severalMeanings(let name, let meanings):
      ProblemWords(
        "several-meanings", "`\(name)` may mean several fields", why: "\(ProblemWords.list(meanings)) are called so",
        try: "one of these")
    case .twice(let one, let other):
      ProblemWords("said-twice", "`\(one)` and `\(other)` say the same field", try: "take one of them out")
    case .noNode(let key, let node, let reason):
      ProblemWords(
        "no-effect", "`\(key)` has no effect", why: "there is no node `\(node)`: \(reason)", try: "take it out")
    case .wantsText(let key, let found, let example):
      ProblemWords("wrong-type", "`\(key)` is \(found), not a text", try: "`\(key): \(example)`")
    }
  }
}
