import Diagnostics
import Testing

@Suite("Nearest names")
struct NearestNameTests {
  @Test(
    "finds what was probably meant",
    arguments: [
      ("learning_rat", "learning_rate"), ("leraning_rate", "learning_rate"), ("Epochs", "epochs"),
      ("batchsize", "batch_size"), ("epohcs", "epochs"), ("lr", nil), ("", nil), ("completely_else", nil),
    ] as [(String, String?)])
  func finds(name: String, wanted: String?) {
    #expect(nearestName(to: name, among: ["learning_rate", "epochs", "batch_size"]) == wanted)
  }

  @Test("a swap of neighbours is one mistake")
  func swaps() {
    #expect(nearestName(to: "ab", among: ["ba"]) == "ba")
  }

  @Test("ties go to the first, the name itself is never the answer")
  func ties() {
    #expect(nearestName(to: "cat", among: ["bat", "hat"]) == "bat")
    #expect(nearestName(to: "cat", among: ["cat"]) == nil)
    #expect(nearestName(to: "cat", among: [String]()) == nil)
  }

  @Test("three mistakes are the most, however long the name")
  func limit() {
    let name = String(repeating: "x", count: 40)
    #expect(nearestName(to: name + "abc", among: [name]) == name)
    #expect(nearestName(to: name + "abcd", among: [name]) == nil)
  }
}
