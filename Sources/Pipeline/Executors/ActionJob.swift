import PreciseJSON

/// One action to perform: everything a node's work needs, in a form that can be handed to another process.
package struct ActionJob: Sendable {
  /// An artefact at an input port.
  package struct Input: Sendable {
    package var port: String
    /// The producing node and its output port, for messages.
    package var node: String
    package var output: String
    package var artefact: Artefact
  }

  /// A file or folder outside the store.
  package struct Source: Sendable {
    package var role: String
    package var path: String
    package var digest: Digest
  }

  package var node: String
  package var type: AnyNodeType
  package var fields: AnyFields
  package var inputs: [Input]
  package var sources: [Source]
  package var preimage: KeyPreimage
  package var threads: Int
  /// The folder to make outputs in, on the store's file system; whoever wrote the job removes it in the end.
  package var staging: String
  /// Whether it is performed although its result may be known; what comes out then replaces that result.
  package var isForced: Bool
  /// What it asks for where others share the machines out; a worker does not care.
  package var demand = JobDemand()

  package var key: Digest { preimage.key }
}

/// A job that a worker process cannot make sense of: the two programs are not the same.
struct InvalidJob: Error {
  var reason: String
}

extension ActionJob {
  /// What a worker process reads: artefacts go by their manifests, which are in the store.
  var json: JSON {
    [
      "node": JSON(node), "type": JSON(type.name), "fields": fields.json,
      "written": .array(fields.written.sorted().map { JSON($0) }), "threads": JSON(threads),
      "staging": JSON(staging), "forced": JSON(isForced), "preimage": preimage.json,
      "inputs": .array(
        inputs.map { input in
          let manifest = input.artefact.manifestBlob
          return [
            "port": JSON(input.port), "node": JSON(input.node), "output": JSON(input.output),
            "manifest": JSON(manifest.digest.hex), "size": JSON(manifest.size),
          ]
        }),
      "sources": .array(
        sources.map { ["role": JSON($0.role), "path": JSON($0.path), "sha256": JSON($0.digest.hex)] }),
    ]
  }

  init(json: JSON, registry: NodeRegistry, store: Store) throws {
    guard let node = json["node"]?.string, let name = json["type"]?.string, let fields = json["fields"],
      let written = json["written"]?.array?.compactMap(\.string), let threads = json["threads"]?.int,
      let staging = json["staging"]?.string,
      let isForced = json["forced"]?.bool, let preimage = json["preimage"].flatMap(KeyPreimage.init(json:)),
      let inputs = json["inputs"]?.array, let sources = json["sources"]?.array
    else { throw InvalidJob(reason: "a member is missing") }
    guard let type = registry[name] else { throw InvalidJob(reason: "there is no node type `\(name)`") }
    self.node = node
    self.type = type
    self.fields = try type.fields(json: fields, written: Set(written))
    self.threads = threads
    self.staging = staging
    self.isForced = isForced
    self.preimage = preimage
    self.inputs = try inputs.map { input in
      guard let port = input["port"]?.string, let node = input["node"]?.string, let output = input["output"]?.string,
        let digest = input["manifest"]?.string.flatMap(Digest.init(hex:)), let size = input["size"]?.int
      else { throw InvalidJob(reason: "an input has no port, node, output or manifest") }
      let manifest = try store.bytes(of: BlobReference(digest: digest, size: size))
      return Input(port: port, node: node, output: output, artefact: try Artefact(manifest: manifest))
    }
    self.sources = try sources.map { source in
      guard let role = source["role"]?.string, let path = source["path"]?.string,
        let digest = source["sha256"]?.string.flatMap(Digest.init(hex:))
      else { throw InvalidJob(reason: "a source has no role, path or digest") }
      return Source(role: role, path: path, digest: digest)
    }
  }
}
