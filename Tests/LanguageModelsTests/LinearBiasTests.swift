import LanguageModels
import Testing

@Suite("Slopes of linear biases") struct LinearBiasTests {
  @Test(arguments: [(1, [8]), (4, [2, 4, 6, 8]), (6, [2, 4, 6, 8, 1, 3])])
  func areThoseOfThePaper(heads: Int, halvings: [Int]) {
    let wanted = halvings.map { 1 / Float(1 << $0) }
    #expect(LinearBiases.slopes(heads: heads) == wanted)
  }
}
