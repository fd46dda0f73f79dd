import LanguageModels
import ModelFolders
import Pipeline
import Tensors
import Training

/// What a stage is made from: rows, and what stands at the node's other ports.
package struct StageInputs {
  package let context: NodeContext
  /// The tokens that are learned from or measured.
  package let data: ArtefactView
  /// What the rows are, for messages.
  package let what: String
  /// The port of the model that stands in where none is connected to compare with; nil where none does.
  package let fallback: String?
  /// Threads to compute with; the node's share unless given.
  package let threads: Int?
  /// Decides what is drawn at random before the first step.
  package var seed: UInt64 = 0
  /// The head that is trained: what is held out is measured with the same.
  package var head: ScoreHead?

  /// The head beside the model that is trained or measured; a fresh one where there is none.
  func scoreHead() throws -> ScoreHead {
    if let head { return head }
    let artefact = try ModelArtefact(context, threads: threads)
    return try artefact.scoreHead() ?? ScoreHead(width: artefact.source().configuration.hiddenSize, seed: seed)
  }

  /// The port of a model to compare with; nil where there is none.
  func port(_ wanted: String) -> String? { context.inputs(wanted).isEmpty ? fallback : wanted }

  /// Scores that stand at a port in place of a model; nil where a model does, or nothing.
  func scores(at port: String) -> ScoreSet? {
    context.inputs(port).first { $0.type.name == ArtefactName.scores }.map { ScoreSet(view: $0, port: port) }
  }

  /// The likeliest tokens of a teacher at the labels.
  func likeliest(count: Int, temperature: Double) throws -> [LikeliestLabels] {
    if let known = scores(at: "teacher") { return try known.read(of: data, what: what) }
    let teacher = try ModelArtefact(context, port: "teacher", threads: threads)
    return try ReferenceScores(reference: teacher, context: context).likeliest(
      of: data, what: what, count: count, temperature: temperature)
  }

  /// What the reference gives to the pairs, or nothing but zeros where there is none.
  ///
  /// - Parameter tailWeight: What tokens beyond the length of the shorter answer count.
  func referenceScores(tailWeight: Double = 1) throws -> [PairLogProbabilities] {
    guard let port = port("reference") else {
      return [PairLogProbabilities](repeating: .init(chosen: 0, rejected: 0), count: try TokenSet(data).count)
    }
    if let known = scores(at: port) { return try known.read(of: data, what: what) }
    let reference = try ModelArtefact(context, port: port, threads: threads)
    return try ReferenceScores(reference: reference, context: context).scores(
      of: data, what: what, tailWeight: tailWeight)
  }

  /// What the reference gives to judged answers, or nothing but zeros where there is none.
  ///
  /// - Parameter withMismatched: Whether answers behind other prompts are asked for as well.
  func judgedReference(withMismatched: Bool) throws -> JudgedStage.Reference {
    guard let port = port("reference") else {
      let zeros = [Double](repeating: 0, count: try TokenSet(data).count)
      return JudgedStage.Reference(answers: zeros, mismatched: withMismatched ? zeros : [])
    }
    if let known = scores(at: port) {
      return JudgedStage.Reference(
        answers: try known.read(of: data, what: what),
        mismatched: withMismatched ? try known.read(ScoreSet.mismatched, of: data, what: what) : [])
    }
    let reference = try ModelArtefact(context, port: port, threads: threads)
    return try ReferenceScores(reference: reference, context: context).judged(
      of: data, what: what, withMismatched: withMismatched)
  }

  /// A model to compare with, in memory beside the one that is trained: the one at port `reference`, or else the model as it
  /// comes in, without its adapter where it has one; nil where neither is another model.
  func frozenReference() throws -> LanguageModel? {
    let longest = try TokenSet(data).longest
    if !context.inputs("reference").isEmpty {
      return try ModelArtefact(context, port: "reference", threads: threads).model(longest: longest)
    }
    let own = try ModelArtefact(context, threads: threads)
    guard own.hasAdapter || fallback != nil else { return nil }
    return try own.languageModel(
      own.source(), compute: Compute(threads: threads ?? context.threads, computeClass: own.computeClass),
      plan: own.heldWeights.plan, longest: longest)
  }

  /// Whether the model to compare with is the one that is trained, as it was before.
  func isOwnReference() throws -> Bool {
    let own = try context.input("model")
    if let known = scores(at: StageModel.reference.port) { return known.isOf(own) }
    return context.inputs(StageModel.reference.port).allSatisfy { $0.digest == own.digest }
  }
}
