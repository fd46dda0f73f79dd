/// The ways to say what of a model is trained: a line each.
package let trainedPartKinds: [any TrainedParts.Type] = [
  BlockParts.self, NamedParts.self, ShareParts.self, NewBlockParts.self, SpectrumParts.self, DrawnBlockParts.self,
]
