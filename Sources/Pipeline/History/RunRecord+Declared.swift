import PreciseJSON

extension RunRecord {
  /// A node as the pipeline of a run declared it: what it was made from.
  package struct Declared: Sendable {
    package var name: String
    package var type: String
    package var isOutput: Bool
    package var inputs: [ResolvedNode.InputBinding]
    package var sources: [ResolvedNode.ResolvedSource]

    init(_ node: ResolvedNode, isOutput: Bool) {
      name = node.name
      type = node.type.name
      self.isOutput = isOutput
      inputs = node.inputs
      sources = node.sources
    }

    /// As records have it; nil for anything else.
    init?(_ json: JSON) {
      guard let name = json["name"]?.string, let type = json["type"]?.string else { return nil }
      self.name = name
      self.type = type
      isOutput = json["output"]?.bool ?? false
      inputs = (json["inputs"]?.array ?? []).compactMap { input in
        guard let port = input["port"]?.string, let index = input["index"]?.int, let node = input["node"]?.string,
          let output = input["output"]?.string
        else { return nil }
        return ResolvedNode.InputBinding(port: port, index: index, node: node, output: output)
      }
      sources = (json["sources"]?.array ?? []).compactMap { source in
        guard let role = source["role"]?.string, let index = source["index"]?.int, let path = source["path"]?.string,
          let digest = source["sha256"]?.string.flatMap(Digest.init(hex:)), let size = source["size"]?.int
        else { return nil }
        return ResolvedNode.ResolvedSource(role: role, index: index, path: path, digest: digest, size: size)
      }
    }

    var json: JSON {
      [
        "name": JSON(name), "type": JSON(type), "output": JSON(isOutput),
        "inputs": .array(
          inputs.map { input in
            [
              "port": JSON(input.port), "index": JSON(input.index), "node": JSON(input.node),
              "output": JSON(input.output),
            ]
          }),
        "sources": .array(
          sources.map { source in
            [
              "role": JSON(source.role), "index": JSON(source.index), "path": JSON(source.path),
              "sha256": JSON(source.digest.hex), "size": JSON(source.size),
            ]
          }),
      ]
    }
  }
}
