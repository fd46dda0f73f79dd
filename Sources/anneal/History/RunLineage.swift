import Foundation
import Pipeline
import PreciseJSON

/// What the results of a run were made from, in the formats of tools that collect such things.
struct RunLineage {
  private let record: RunRecord
  private let pipeline: String
  private let results: [(node: RunRecord.Node, result: StoredResult?)]
  private let timeline: RunTimeline
  /// The folder of the project, which names of files begin at.
  private let project: String

  private static let producer = "urn:anneal"

  /// - Throws: What keeps the record or the store from being read.
  init(_ record: RunRecord, _ history: RunHistory, _ store: Store, project: String) throws {
    self.record = record
    self.project = project
    let metrics = RunMetrics(store)
    results = try record.nodes.map { ($0, try metrics.result($0)) }
    timeline = try RunTimeline(record)
    pipeline =
      try FileSystem().read(history.pipelinePath(of: record.id)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  private func path(_ source: ResolvedNode.ResolvedSource) -> String {
    source.path.hasPrefix("/") ? source.path : project + "/" + source.path
  }

  private static func time(_ seconds: Double) -> JSON {
    JSON(Date(timeIntervalSince1970: seconds).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
  }

  // MARK: in-toto

  /// A statement of in-toto (v1) with SLSA's provenance (v1): the files of the outputs, and the files they come from.
  var inToto: JSON {
    let outputs = Set(record.graph.filter(\.isOutput).map(\.name))
    let subjects = results.filter { outputs.contains($0.node.name) }.flatMap { node, result in
      (result?.outputs ?? [:]).sorted { $0.key < $1.key }.flatMap { port, artefact in
        artefact.members.map { member -> JSON in
          [
            "name": JSON("\(node.name)/\(port)/\(member.path)"),
            "digest": ["sha256": JSON(member.blob.digest.hex)],
          ]
        }
      }
    }
    var told: Set<String> = []
    let sources = record.graph.flatMap(\.sources).filter { told.insert($0.path).inserted }.map { source -> JSON in
      [
        "uri": JSON(URL(fileURLWithPath: path(source)).absoluteString),
        "digest": ["sha256": JSON(source.digest.hex)],
      ]
    }
    return [
      "_type": "https://in-toto.io/Statement/v1", "subject": .array(subjects),
      "predicateType": "https://slsa.dev/provenance/v1",
      "predicate": [
        "buildDefinition": [
          "buildType": JSON(Self.producer + ":pipeline:v1"),
          "externalParameters": [
            "pipeline": JSON(pipeline),
            "params": JSON(record.parameters.map { (key: $0.name, value: JSON($0.value)) }),
          ],
          "internalParameters": .object(record.environment), "resolvedDependencies": .array(sources),
        ],
        "runDetails": [
          "builder": ["id": JSON(Self.producer), "version": ["anneal": record.environment["version"] ?? .null]],
          "metadata": [
            "invocationId": JSON(record.id), "startedOn": Self.time(record.started),
            "finishedOn": record.seconds.map { Self.time(record.started + $0) } ?? .null,
          ],
        ],
      ],
    ]
  }

  // MARK: OpenLineage

  /// Events of OpenLineage (2-0-2), one a node: what it read and made.
  var openLineage: [JSON] {
    let ends = Dictionary(timeline.spans.map { ($0.node, $0.end) }) { first, _ in first }
    // What nobody wanted is no part of what happened.
    return results.filter { $0.node.state != .notNeeded }.map { node, result in
      let declared = record.graph.first { $0.name == node.name }
      let files = (declared?.sources ?? []).map { dataset("file", path($0), digest: $0.digest) }
      let inputs = (declared?.inputs ?? []).map { input in
        let made = results.first { $0.node.name == input.node }?.node.outputs.first { $0.port == input.output }
        return dataset("anneal", "\(record.pipeline)/\(input.node).\(input.output)", digest: made?.manifest.digest)
      }
      let outputs = node.outputs.map { output in
        dataset("anneal", "\(record.pipeline)/\(node.name).\(output.port)", digest: output.manifest.digest)
      }
      let kind =
        switch node.state {
        case .ran, .cached: "COMPLETE"
        case .failed: "FAIL"
        case .running: "RUNNING"
        case .blocked, .interrupted, .notStarted, .notNeeded: "ABORT"
        }
      return [
        "eventType": JSON(kind), "eventTime": Self.time(record.started + (ends[node.name] ?? record.seconds ?? 0)),
        "producer": JSON(Self.producer),
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": [
          "runId": JSON(Self.uuid("\(record.id)/\(node.name)")),
          "facets": [
            "parent": facet(
              "1-0-1/ParentRunFacet",
              [
                "run": ["runId": JSON(Self.uuid(record.id))],
                "job": ["namespace": "anneal", "name": JSON(record.pipeline)],
              ])
          ],
        ],
        "job": ["namespace": "anneal", "name": JSON("\(record.pipeline).\(node.name)")],
        "inputs": .array(files + inputs), "outputs": .array(outputs),
      ]
    }
  }

  private func dataset(_ namespace: String, _ name: String, digest: Digest?) -> JSON {
    let version = digest.map { digest -> JSON in
      ["version": facet("1-0-1/DatasetVersionDatasetFacet", ["datasetVersion": JSON("sha256:" + digest.hex)])]
    }
    return ["namespace": JSON(namespace), "name": JSON(name), "facets": version ?? [:]]
  }

  private func facet(_ schema: String, _ members: JSON) -> JSON {
    let name = schema.split(separator: "/").last.map(String.init) ?? schema
    let version = schema.split(separator: "/").first.map(String.init) ?? ""
    var object = JSONObject([
      (key: "_producer", value: JSON(Self.producer)),
      (key: "_schemaURL", value: JSON("https://openlineage.io/spec/facets/\(version)/\(name).json#/$defs/\(name)")),
    ])
    for member in members.object?.members ?? [] { object[member.key] = member.value }
    return .object(object)
  }

  /// A UUID that only this text has (version 8 of RFC 9562, its bits of SHA-256).
  private static func uuid(_ text: String) -> String {
    var digits = Array(Digest(of: text.utf8).hex.prefix(32))
    digits[12] = "8"
    digits[16] = "a"
    let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
    return groups.map { String(digits[$0]) }.joined(separator: "-")
  }
}
