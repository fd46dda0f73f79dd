import Diagnostics

/// A word of a command, in which names in braces stand for what the program is given.
///
/// `{{name}}` is the text `{name}`; braces around anything but a name stay as they are.
struct ExecWord {
  private enum Piece {
    case text(String)
    case name(String)
  }

  static let checkpoints = "checkpoints"
  static let threads = "threads"
  private static let inputs = "inputs."
  private static let outputs = "outputs."

  private let pieces: [Piece]

  init(_ text: String) {
    var pieces: [Piece] = []
    var plain = ""
    var rest = text[...]
    while let letter = rest.first {
      if letter == "{", let (name, length) = Self.name(rest.dropFirst()) {
        pieces += [.text(plain), .name(name)]
        plain = ""
        rest = rest.dropFirst(1 + length)
      } else if rest.hasPrefix("{{"), let (name, length) = Self.name(rest.dropFirst(2)),
        rest.dropFirst(2 + length).first == "}"
      {
        plain += "{\(name)}"
        rest = rest.dropFirst(3 + length)
      } else {
        plain.append(letter)
        rest = rest.dropFirst()
      }
    }
    self.pieces = pieces + [.text(plain)]
  }

  /// The name at the start of a text that a brace ends, and how many letters both are.
  private static func name(_ text: Substring) -> (name: String, length: Int)? {
    guard let end = text.firstIndex(of: "}"), let first = text.first, first.isLetter || first == "_" else { return nil }
    let name = text[..<end]
    guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) }) else { return nil }
    return (String(name), name.count + 1)
  }

  /// The names in braces.
  var names: [String] {
    pieces.compactMap { if case .name(let name) = $0 { name } else { nil } }
  }

  /// The names that stand for nothing where a node has these inputs and outputs, each with the nearest that does.
  func unknown(inputs: [String], outputs: [String]) -> [(name: String, nearest: String?, known: [String])] {
    let known =
      inputs.map { Self.inputs + $0 } + outputs.map { Self.outputs + $0 } + [Self.checkpoints, Self.threads]
    return names.filter { !known.contains($0) }.map { ($0, nearestName(to: $0, among: known), known) }
  }

  /// The word as the program gets it: folders from the one that it is started in, so that nothing of the machine gets into
  /// what it makes.
  func text(threads: Int) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .name(Self.threads): String(threads)
      case .name(let name): name.replacing(".", with: "/", maxReplacements: 1)
      }
    }.joined()
  }
}
