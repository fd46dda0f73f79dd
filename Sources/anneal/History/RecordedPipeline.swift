import Diagnostics
import FineTuningNodes
import Pipeline

/// The pipeline of a run, as its record kept it.
struct RecordedPipeline {
  let record: RunRecord
  var text: YAMLText

  /// - Throws: What is wrong with the record; also one of a version that kept no pipeline.
  init(_ record: RunRecord, _ history: RunHistory) throws {
    self.record = record
    let path = history.pipelinePath(of: record.id)
    guard try pathKind(path) != nil else {
      throw Diagnostic(
        code: "no-pipeline", "The record of run \(record.id) does not hold its pipeline",
        reason: "it was made by a version that kept none", advice: "run the pipeline again; what is cached stays cached"
      )
    }
    text = try YAMLText(path: path)
  }

  /// The pipeline as of the file that the run was of, whose copy was read.
  func resolve(_ sources: any SourceDigester) throws -> ResolvedPipeline {
    var pipeline = try PipelineFile.resolve(text, registry: fineTuningNodes, sources: sources)
    pipeline.file = record.file
    return pipeline
  }

  /// The files that have other content than in the run, one problem each.
  func changedSources(_ pipeline: ResolvedPipeline) -> [Diagnostic] {
    var told: Set<String> = []
    return record.graph.flatMap { declared -> [Diagnostic] in
      let now = pipeline.node(declared.name)?.sources ?? []
      return declared.sources.compactMap { source in
        let found = now.first { $0.role == source.role && $0.index == source.index }
        guard found?.digest != source.digest, told.insert(source.path).inserted else { return nil }
        return Diagnostic(
          code: "changed-source", "`\(source.path)` is not what it was in run \(record.id)",
          path: "nodes.\(declared.name)",
          reason: "its content was \(source.digest.short) (\(byteCount(source.size))), and is "
            + (found.map { "\($0.digest.short) (\(byteCount($0.size)))" } ?? "another file"),
          advice: "put the file back as it was")
      }
    }
  }
}
