import LanguageModels
import Tensors
import Testing

@Suite("Packed batches")
struct BatchTests {
  @Test func positionTPredictsTheNextToken() {
    let batch = PackedBatch([
      LabelledSequence(ids: [1, 2, 3, 4, 5], lossMask: [false, false, true, true, false]),
      LabelledSequence(ids: [6, 7], lossMask: [true, true]),
    ])
    // Of the first sequence 5 follows the last label, and nothing is predicted from 4.
    #expect(batch.ids == [1, 2, 3, 6])
    #expect(batch.layout.segments.map(\.count) == [3, 1])
    #expect(batch.labelRows == [1, 2, 3])
    #expect(batch.targets == [3, 4, 7])
    #expect(batch.tokenCount == 7)
  }

  @Test func theFirstTokenIsNeverATarget() {
    let batch = PackedBatch([
      LabelledSequence(ids: [1, 2, 3], lossMask: [true, false, false]), LabelledSequence(ids: [4], lossMask: [true]),
      LabelledSequence(ids: [], lossMask: []),
    ])
    #expect(batch.labelCount == 0)
    #expect(batch.ids.isEmpty)
    #expect(batch.tokenCount == 4)
  }

  @Test func runsStayInTheBudgetAndKeepTheOrder() {
    #expect(microBatches(lengths: [3, 4, 5, 1, 20, 2, 2], budget: 8) == [0..<2, 2..<4, 4..<5, 5..<7])
    #expect(microBatches(lengths: [4, 4, 4, 4, 4, 4], budget: 16) == [0..<3, 3..<6])
    #expect(microBatches(lengths: [], budget: 8) == [])
    #expect(microBatches(lengths: [8, 8], budget: 8) == [0..<1, 1..<2])
    #expect(microBatches(lengths: [9], budget: 8) == [0..<1])
  }
}
