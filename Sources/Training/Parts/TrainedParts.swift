import LanguageModels

/// Which tensors of a model are trained, where it is not all of them: one of several ways to say it.
///
/// What is left out gets no gradient, no state of an optimizer and, below the lowest that is trained, no backward pass.
package protocol TrainedParts: Tunable {
  /// The tensors of a model that are trained.
  ///
  /// - Throws: ``TrainedPartsError`` for names of nothing, for numbers that the model does not have, and where nothing or
  ///   all of it would be trained.
  func selection(of model: KnownModel) throws -> PartSelection
}

/// What a selection may go by.
package struct KnownModel {
  package var configuration: ModelConfiguration
  /// The numbers of the blocks that were inserted to be trained; empty where none were.
  package var newBlocks: [Int]
  /// Signal divided by noise, of a matrix by its Hugging Face name; see ``SignalToNoise``.
  ///
  /// Asked by selections that go by it alone, once a matrix.
  package var ratio: (TensorSpecification) throws -> Double

  package init(
    _ configuration: ModelConfiguration, newBlocks: [Int] = [], ratio: @escaping (TensorSpecification) throws -> Double
  ) {
    self.configuration = configuration
    self.newBlocks = newBlocks
    self.ratio = ratio
  }
}

/// What of a model is trained.
package struct PartSelection: Sendable, Hashable {
  /// By Hugging Face's names.
  package var names: Set<String>
  /// Where blocks take turns.
  package var draw: BlockDraw?

  package init(names: Set<String>, draw: BlockDraw? = nil) {
    self.names = names
    self.draw = draw
  }

  /// A choice among the tensors of a model.
  ///
  /// - Throws: ``TrainedPartsError/nothing`` and ``TrainedPartsError/everything``.
  init(
    _ model: ModelConfiguration, where trains: (TensorSpecification) throws -> Bool
  ) throws {
    let tensors = model.tensors
    names = Set(try tensors.filter(trains).map(\.name))
    guard !names.isEmpty else { throw TrainedPartsError.nothing }
    guard names.count < tensors.count else { throw TrainedPartsError.everything }
  }
}

extension TensorSpecification {
  /// The block that it belongs to.
  package var layer: Int? { if case .block(_, let layer) = role.place { layer } else { nil } }

  /// The name of its module in a block, such as `self_attn.q_proj`; empty outside of blocks.
  var moduleInBlock: String { if case .block(let name, _) = role.place { name } else { "" } }

  /// What its module is called, as Hugging Face has it.
  var module: String { role.suffix.isEmpty ? name : String(name.dropLast(role.suffix.count + 1)) }
}
