import Diagnostics
import Glibc

/// What `anneal fetch` brings into a project, as a file that stands beside its pipelines: names in registries, each with the digest
/// of what stood there, so that everybody gets the same.
package struct RegistryPins: Sendable {
  package static let fileName = "anneal.pins.yaml"

  package struct Pin: Sendable, Hashable, FieldGroup {
    /// `HOST/PATH:TAG`.
    package var name = ""
    /// `sha256:` and the manifest's digest.
    package var digest = ""
    /// Where its files are put, from the project's folder; nil where they only go into the store.
    package var folder: CachePath?
    /// The output whose files are wanted; nil for all.
    package var output: String?

    package init() {}

    package init(_ name: String, _ digest: Digest, folder: String?, output: String?) {
      self.name = name
      self.digest = "sha256:" + digest.hex
      self.folder = folder.map { CachePath(text: $0) }
      self.output = output
    }

    package static let fields: [Field<Pin>] = [
      Field("name", \.name, role: .none, required: true, doc: "The name in the registry, `HOST/PATH:TAG`"),
      Field("digest", \.digest, role: .none, required: true, doc: "The digest of what stood there, `sha256:…`"),
      Field("folder", \.folder, role: .none, doc: "Where its files are put, from the project's folder"),
      Field("output", \.output, role: .none, doc: "The output whose files are wanted; all unless given"),
    ]

    /// - Throws: ``RegistryReference/Problem``.
    package func reference() throws(RegistryReference.Problem) -> RegistryReference {
      try RegistryReference("\(name)@\(digest)")
    }
  }

  package private(set) var pins: [Pin] = []

  private static let head = """
    # Results in registries that `anneal fetch` brings here, as they stood when they were named. It belongs beside the
    # pipelines, under version control; `anneal fetch --update NAME` takes what the name stands for today.

    """

  package init() {}

  /// Reads a project's file; there need be none.
  ///
  /// - Throws: `DiagnosticList` with all that is wrong with it, ``SystemError``.
  package init(project: String, files: FileSystem = FileSystem()) throws {
    let path = "\(project)/\(Self.fileName)"
    guard let bytes = try files.read(path, limit: YAMLReader.sizeLimit),
      let tree = try YAMLReader.read(SourceText(file: Self.fileName, bytes: bytes)), !tree.isNull
    else { return }
    guard case .list(let items) = tree.content else {
      throw Diagnostic(
        code: "bad-pins", "`\(Self.fileName)` holds no list", at: tree.mark.place,
        reason: "each entry of it pins a name in a registry", advice: "write `- {name: …, digest: …}`")
    }
    var decoder = FieldDecoder(path: [])
    var problems: [Diagnostic] = []
    for (index, item) in items.enumerated() {
      decoder.path = ["[\(index)]"]
      guard let pin = Pin.read(item, as: Pin.kind, &decoder) else { continue }
      do { _ = try pin.reference() } catch {
        problems.append(
          Diagnostic(
            code: "bad-pins", "`\(pin.name)@\(pin.digest)` is no name in a registry", at: item.mark.place,
            reason: error.reason))
      }
      if pin.output != nil, pin.folder == nil {
        problems.append(
          Diagnostic(
            code: "bad-pins", "`output` has no effect without `folder`", at: item.mark.place,
            reason: "the store takes results whole"))
      }
      if pins.contains(where: { $0.name == pin.name && $0.folder == pin.folder }) {
        problems.append(Diagnostic(code: "bad-pins", "`\(pin.name)` is pinned twice", at: item.mark.place))
      }
      pins.append(pin)
    }
    problems = decoder.diagnostics + problems
    if problems.hasErrors { throw DiagnosticList(problems) }
  }

  /// Pins what goes into a folder, or into the store alone, in place of what was pinned for it before.
  package mutating func set(_ pin: Pin) {
    if let index = pins.firstIndex(where: { $0.name == pin.name && $0.folder == pin.folder }) {
      pins[index] = pin
    } else {
      pins.append(pin)
    }
  }

  /// Pins a name to what stands there now, wherever it goes; into the store where it is new.
  package mutating func move(_ name: String, to digest: Digest) {
    if !pins.contains(where: { $0.name == name }) { pins.append(Pin(name, digest, folder: nil, output: nil)) }
    for index in pins.indices where pins[index].name == name { pins[index].digest = "sha256:" + digest.hex }
  }

  package func write(project: String, files: FileSystem = FileSystem()) throws {
    let path = "\(project)/\(Self.fileName)"
    try files.replace(path, Array(text.utf8), temporary: "\(path).\(temporaryName())")
  }

  package var text: String {
    Self.head
      + pins.map { pin in
        var lines = "- name: \(LocatedValue.Scalar(text: pin.name, isPlain: true).yaml)\n  digest: \(pin.digest)\n"
        if let folder = pin.folder {
          lines += "  folder: \(LocatedValue.Scalar(text: folder.text, isPlain: true).yaml)\n"
        }
        if let output = pin.output { lines += "  output: \(LocatedValue.Scalar(text: output, isPlain: true).yaml)\n" }
        return lines
      }.joined()
  }
}
