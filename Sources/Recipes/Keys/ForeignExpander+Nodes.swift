import Pipeline

/// Nodes that files of several programs become.
extension ForeignExpander {
  static var tokenizer: String { "tokenizer" }
  static var base: String { "base_model" }

  /// Adds the node that reads the tokenizer.
  func addTokenizer(_ path: LocatedValue, _ key: String) {
    var tokenizer = node(Self.tokenizer, "load_tokenizer", at: key)
    tokenizer.set("from", path, key)
    sketch.nodes.append(tokenizer)
  }

  /// Takes a model away, into the folder that a key names.
  ///
  /// - Parameter base: The key whose value is what the base is called.
  func addRelease(of model: String, base: String, to key: String) {
    var export = node("release", "export", at: key)
    export.connect("model", model)
    export.connect("tokenizer", Self.tokenizer)
    export.set("base_model", from: base, of: arguments)
    if arguments.isGiven(key) { export.set("to", from: key, of: arguments) }
    sketch.nodes.append(export)
    sketch.outputs.append("release")
  }

  /// A node that renders sets of rows, and one that makes tokens of them, neither added yet.
  func tokenNodes(_ name: String, _ rows: [String], at key: String) -> (render: Sketch.Node, tokenize: Sketch.Node) {
    var render = node("\(name)_rendered", "apply_template", at: key)
    let names = rows.map { LocatedValue(scalar: $0, at: render.mark) }
    render.set(
      "dataset", names.count == 1 ? names[0] : LocatedValue(.list(names), at: render.mark),
      names.count > 1 ? "one set after the other, shuffled together" : nil)
    render.connect("tokenizer", Self.tokenizer)
    var tokenize = node(name, "tokenize", at: key)
    tokenize.connect("conversations", render.name)
    tokenize.connect("tokenizer", Self.tokenizer)
    return (render, tokenize)
  }
}
