import Diagnostics

/// A YAML text, or a JSON text, which is one too, as a tree of values with their places.
package struct YAMLText: Sendable {
  package let source: SourceText
  package var tree: LocatedValue

  /// Reads a file, or a pipe.
  ///
  /// - Throws: ``SourceError`` when the file cannot be read, `DiagnosticList` with everything wrong about it as YAML.
  package init(path: String) throws { try self.init(bytes: PipelineFile.read(path), file: path) }

  /// Reads bytes in memory.
  ///
  /// - Throws: `DiagnosticList` with everything wrong about them as YAML, or when they hold nothing.
  package init(bytes: [UInt8], file: String) throws {
    source = SourceText(file: file, bytes: bytes)
    guard let tree = try YAMLReader.read(source), !tree.isNull else {
      throw DiagnosticList([LanguageProblem.empty.diagnostic(at: source.wholeMark)])
    }
    self.tree = tree
  }

  /// A tree that was made of a text.
  package init(_ tree: LocatedValue, of source: SourceText) {
    self.source = source
    self.tree = tree
  }
}

extension LocatedValue {
  /// What is wrong where the value stands.
  package func diagnostic(
    _ severity: Diagnostic.Severity = .error, code: String, _ summary: String, path: String? = nil,
    reason: String? = nil, advice: String? = nil, related: [Diagnostic.Related] = []
  ) -> Diagnostic {
    Diagnostic(
      severity, code: code, summary, at: mark.place, path: path, excerpt: mark.excerpt, reason: reason, advice: advice,
      related: related + origin)
  }

  /// The value as `true` or `false`.
  ///
  /// - Throws: `Diagnostic` in the words of a pipeline file.
  package func bool(path: String) throws -> Bool { try read(path, wanted: "`true` or `false`", CoreScalar.bool) }

  /// The value as a whole number.
  ///
  /// - Throws: `Diagnostic` in the words of a pipeline file.
  package func integer(path: String) throws -> Int { try read(path, wanted: "a whole number", CoreScalar.integer) }

  /// The value as a number.
  ///
  /// - Throws: `Diagnostic` in the words of a pipeline file.
  package func number(path: String) throws -> Double { try read(path, wanted: "a number", CoreScalar.number) }

  /// The value as a text.
  ///
  /// - Throws: `Diagnostic` in the words of a pipeline file.
  package func text(path: String) throws -> String { try read(path, wanted: "a text") { .success($0.text) } }

  private func read<Value>(
    _ path: String, wanted: String, _ read: (Scalar) -> Result<Value, LanguageProblem>
  ) throws -> Value {
    let problem: LanguageProblem
    if case .scalar(let scalar) = content, !isNull {
      switch read(scalar) {
      case .success(let value): return value
      case .failure(let found): problem = found
      }
    } else {
      problem = .wantsScalar(wanted: wanted, found: kindWords)
    }
    throw problem.diagnostic(at: mark, path: path, related: origin)
  }
}
