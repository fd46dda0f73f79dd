import FineTuningNodes
import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors
import Testing
import Training

/// What each check says of numbers on both sides of its bounds.
struct SanityVerdictTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var check: any SanityCheck
    var verdict: SanityVerdict
    var summary: String

    init(_ check: any SanityCheck, _ verdict: SanityVerdict, _ summary: String) {
      self.check = check
      self.verdict = verdict
      self.summary = summary
    }

    var testDescription: String { summary }
  }

  private static func update(_ module: String, a: Double = 1, b: Double = 1) -> AdapterUpdate {
    AdapterUpdate(module: module, size: a * b, isDead: a == 0 && b == 0)
  }

  private static func watch(_ norms: [Double]) -> TrainingWatch {
    var watch = TrainingWatch()
    for norm in norms { _ = watch.add(loss: 1, gradNorm: norm, learningRate: 0.1, rows: 2, rowsWithoutLabels: 0) }
    return watch
  }

  private static func merged(_ difference: Double, effect: Double) -> MergedModel {
    MergedModel(
      .measured(.init(tokens: 100, base: 2, adapted: 1, merged: 1, difference: difference, effect: effect)),
      stored: .bfloat16, computeClass: .f32)
  }

  private static let stop = [StopToken.Token(id: 2, text: "<|im_end|>")]

  private static let cases: [Case] = [
    Case(EmptyRows(records: 300, leftOut: 0), .fine, "every row has something to learn"),
    Case(EmptyRows(records: 300, leftOut: 12), .warning, "12 of 300 rows (4.00%) teach nothing"),
    Case(EmptyRows(records: 10, leftOut: 9), .error, "9 of 10 rows (90.0%) teach nothing"),
    Case(EmptyRows(records: 10, leftOut: 0, seen: 40, seenEmpty: 3), .warning, "3 of 40 rows (7.50%) teach nothing"),
    Case(StopToken(stops: stop, answers: 4, ended: 4), .fine, "4 of 4 answers end with a stop token, `<|im_end|>` (2)"),
    Case(StopToken(stops: stop, answers: 4, ended: 0), .warning, "No answer ends with a stop token, `<|im_end|>` (2)"),
    Case(
      StopToken(stops: stop, answers: 4, ended: 1), .warning, "1 of 4 answers end with a stop token, `<|im_end|>` (2)"),
    Case(AdapterEffect([update("x"), update("y")]), .fine, "the adapter changes all of its 2 linear maps"),
    Case(
      AdapterEffect([update("x"), update("y", b: 0)]), .warning,
      "The adapter changes nothing at 1 of its 2 linear maps: `y`"),
    Case(
      AdapterEffect((0..<6).map { update("m\($0)", b: 0) }), .warning,
      "The adapter changes nothing at 6 of its 6 linear maps: `m0`, `m1`, `m2`, `m3`, and 2 more"),
    Case(
      AdapterStart([update("x"), update("y", b: 0)]), .warning,
      "The adapter changes nothing yet at 1 of its 2 linear maps: `y`"),
    Case(
      AdapterStart([update("x"), update("y", a: 0, b: 0)]), .warning,
      "The adapter can never learn at 1 of its 2 linear maps: `y`"),
    Case(
      AdapterStart([update("y", a: 0, b: 0)]), .error, "The adapter can never learn at 1 of its 1 linear maps: `y`"),
    Case(FirstLoss(2.5, .tokens(vocabulary: 320)), .fine, "the training starts with a loss of 2.500"),
    Case(
      FirstLoss(7.5, .tokens(vocabulary: 320)), .warning,
      "The training starts with a loss of 7.500, worse than guessing"),
    Case(
      FirstLoss(0.001, .tokens(vocabulary: 320)), .warning,
      "The training starts with a loss of 0.001000: there is hardly anything to learn"),
    Case(
      FirstLoss(0.693_15, .ownReference(beta: 0.1, rounding: 0.02)), .fine,
      "the training starts with a loss of 0.6932, which is ln 2 as it should be"),
    Case(
      FirstLoss(0.72, .ownReference(beta: 0.1, rounding: 0.02)), .warning,
      "The training starts with a loss of 0.7200 and not with ln 2, 0.6931"),
    Case(MeasuredLoss(6, vocabulary: 320), .fine, "the loss is 6.000, guessing has 5.768"),
    Case(MeasuredLoss(7, vocabulary: 320), .warning, "The loss is 7.000, worse than guessing"),
    Case(
      GradientCourse(watch([2, 3, 1])), .fine, "the gradient's norm starts at 2.000 and is at most 3.000, in step 2"),
    Case(GradientCourse(watch([2, 0, 1])), .warning, "The gradient was exactly zero in 1 steps"),
    Case(
      GradientCourse(watch([1, 1, 1, 1, 1, 1, 1, 1, 99, 101, 120])), .warning,
      "The gradient's norm was above 100.0 times the usual one in 2 steps, at most 120.0 in step 11"),
    Case(DiskSpace(needed: 2048, free: 4096), .fine, "2.0 KiB are needed, and free"),
    Case(DiskSpace(needed: 2048, free: 2048), .fine, "2.0 KiB are needed, and free"),
    Case(
      DiskSpace(needed: 2048, free: nil), .fine, "2.0 KiB are needed, and the file system does not say what is free"),
    Case(
      DiskSpace(needed: 2048, free: 1024), .error,
      "The store's file system has no room for the result: 2.0 KiB are needed, 1.0 KiB are free"),
    Case(FiniteTensors(tensors: 3, notFinite: []), .fine, "all 3 tensors hold finite numbers"),
    Case(
      FiniteTensors(tensors: 3, notFinite: ["x"]), .error,
      "1 of 3 tensors hold values that are no finite numbers: `x`"),
    Case(
      merged(0.01, effect: 1), .fine,
      "merged and unmerged, the log-probabilities of 100 tokens differ by 0.01000 nats; rounding to bf16 explains "
        + "0.06350; the adapter changes 1.000"),
    Case(
      merged(0.01, effect: 0.015), .warning,
      "Merging loses most of what was learned: the log-probabilities of 100 tokens differ by 0.01000 nats, and the "
        + "adapter changes no more than 0.01500"),
    Case(
      merged(0.1, effect: 1), .warning,
      "The merged model differs from the base with its adapter: the log-probabilities of 100 tokens differ by 0.1000 "
        + "nats"),
    Case(
      merged(0.6, effect: 1), .error,
      "The merged model is not the base with its adapter: the log-probabilities of 100 tokens differ by 0.6000 nats"),
    Case(
      MergedModel(.notEnoughMemory(needed: 1 << 30), stored: .float32, computeClass: .f32), .warning,
      "The merged model was not compared with the base and its adapter"),
    Case(VocabularyFit(tokens: 320, embedding: 320), .fine, "the tokenizer has 320 tokens, the embedding 320 rows"),
    Case(
      VocabularyFit(tokens: 321, embedding: 320), .error,
      "The tokenizer has 321 tokens, the model's embedding only 320 rows"),
    Case(
      ChatSettings(hasTemplate: true, trainedStops: [], tokenizerStops: [2], modelStops: [0, 2]), .fine,
      "the folder has a chat template and stops at [0, 2]"),
    Case(
      ChatSettings(hasTemplate: true, trainedStops: [1, 2], tokenizerStops: [1, 2], modelStops: [1]), .warning,
      "The model's `eos_token_id` [1] leaves out where its answers end: [1, 2]"),
    Case(
      ChatSettings(hasTemplate: false, trainedStops: [], tokenizerStops: [2], modelStops: nil), .warning,
      "The folder has no chat template"),
    Case(
      ChatSettings(hasTemplate: true, trainedStops: [], tokenizerStops: [], modelStops: nil), .warning,
      "Nothing says where an answer ends"),
    Case(
      ChatSettings(hasTemplate: true, trainedStops: [], tokenizerStops: [2], modelStops: [0]), .warning,
      "The model's `eos_token_id` [0] leaves out where its answers end: [2]"),
  ]

  @Test(arguments: cases) func aVerdictAndItsWords(_ item: Case) {
    #expect(item.check.verdict == item.verdict)
    #expect(item.check.words.summary == item.summary)
    let words = item.check.words
    #expect(item.verdict == .fine || words.reason != nil || words.advice != nil)
  }
}
