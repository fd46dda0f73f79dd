import Diagnostics
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import Tensors
import Training

/// How far the matrices of a model stand out of noise: a part of its own in the store for each block, computed once.
///
/// A part is keyed by the digests of the base's files and the block's number, and by nothing of the node that asks: other
/// shares of matrices, rates and rows find it there.
final class ModelSpectrum {
  /// Raised when the same weights give other numbers than before.
  static let part = Part.recipe("signal-to-noise", version: 1)

  private static let member = "ratios.json"

  private let artefact: ModelArtefact
  private let context: NodeContext
  private let source: ModelFolder
  private let pool: ThreadPool
  /// Those that were asked for, by block.
  private var known: [Int: [String: Double]] = [:]
  /// Every matrix that was asked for, in this order.
  private var asked: [(name: String, ratio: Double)] = []

  init(_ artefact: ModelArtefact, _ context: NodeContext) throws {
    self.artefact = artefact
    self.context = context
    source = try artefact.source()
    pool = ThreadPool(threads: context.threads)
  }

  /// The ratio of a matrix of a block.
  func ratio(_ tensor: TensorSpecification) throws -> Double {
    guard case .block(_, let layer) = tensor.role.place else { return 0 }
    let block = try known[layer] ?? block(layer)
    known[layer] = block
    guard let ratio = block[tensor.name] else { throw ModelSpectrumError.damaged(layer: layer) }
    asked.append((tensor.name, ratio))
    return ratio
  }

  /// What was found and chosen, best first within each kind as it was asked; nil where nothing was asked for.
  func report(chosen: Set<String>) -> JSON? {
    guard !asked.isEmpty else { return nil }
    return .array(
      asked.map { name, ratio in
        ["tensor": JSON(name), "ratio": ratio.isFinite ? JSON(ratio) : .null, "trained": JSON(chosen.contains(name))]
      })
  }

  private func block(_ layer: Int) throws -> [String: Double] {
    let files = try artefact.view.members.filter { $0.hasPrefix(ModelArtefact.base + "/") }.sorted().map { member in
      (name: member, value: CanonicalValue.digest(try artefact.view.member(member).blob.digest))
    }
    let part = try context.memo(
      Self.part, reads: files + [(name: "block", value: .integer(layer))], type: ArtefactType("signal_to_noise")
    ) { builder in
      try builder.write(try compute(layer).text() + "\n", to: Self.member)
    }
    let path = try part.path(of: Self.member)
    guard let members = try JSON(parsing: textOf(path), file: path).object?.members else {
      throw ModelSpectrumError.damaged(layer: layer)
    }
    context.progress(
      ProgressUpdate(step: known.count + 1, total: source.configuration.blocks.count, unit: "blocks measured"))
    return Dictionary(members.map { ($0.key, $0.value.double ?? .infinity) }) { first, _ in first }
  }

  private func compute(_ layer: Int) throws -> JSON {
    let weights = artefact.watched(source.weights)
    return JSON(
      try SpectrumParts.scanned(source.configuration).filter { $0.layer == layer }.map { tensor in
        try context.checkCancellation()
        let found = SignalToNoise(of: try weights.tensor(named: tensor.name, shape: tensor.shape), pool: pool)
        return (key: tensor.name, value: found.ratio.isFinite ? JSON(found.ratio) : .null)
      })
  }
}

/// A part with ratios that does not hold what it should.
enum ModelSpectrumError: Error, Sendable {
  case damaged(layer: Int)
}

extension ModelSpectrumError: DiagnosticError {
  var diagnostics: [Diagnostic] {
    switch self {
    case .damaged(let layer):
      [Diagnostic(code: "signal-to-noise", "What was found out about the matrices of block \(layer) is damaged")]
    }
  }
}
