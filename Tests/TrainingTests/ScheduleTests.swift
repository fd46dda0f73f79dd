import Testing
import Training

/// Expected values are transformers' `get_*_schedule_with_warmup` (5.6.2) for 3 warm-up steps of 10; the cosine is also
/// tested step by step in ``ReferenceTests``.
@Suite("Learning rate schedules")
struct ScheduleTests {
  @Test func followTransformers() {
    let constant = LearningRateSchedule(.constant, warmup: .steps(3))
    let linear = LearningRateSchedule(.linear, warmup: .steps(3))
    let cosine = LearningRateSchedule(.cosine, warmup: .steps(3))
    let rising: [Double] = [0, 1.0 / 3, 2.0 / 3]
    let ones = [Double](repeating: 1, count: 7)
    let falling: [Double] = (0..<7).map { Double(7 - $0) / 7 }
    #expect((0..<10).map { constant.factor(step: $0, total: 10) } == rising + ones)
    #expect((0..<10).map { linear.factor(step: $0, total: 10) } == rising + falling)
    let expected: [Double] = [
      0, 0.3333333333333333, 0.6666666666666666, 1, 0.9504844339512095, 0.8117449009293668, 0.6112604669781572,
      0.3887395330218428, 0.18825509907063326, 0.04951556604879048,
    ]
    for (step, value) in expected.enumerated() {
      #expect(abs(cosine.factor(step: step, total: 10) - value) < 1e-15)
    }
  }

  @Test func aRatioIsRoundedUp() {
    #expect(LearningRateSchedule(.linear, warmup: .ratio(0.05)).warmupSteps(total: 10) == 1)
    #expect(LearningRateSchedule(.linear, warmup: .ratio(0.1)).warmupSteps(total: 101) == 11)
    #expect(LearningRateSchedule(.linear, warmup: .ratio(0)).warmupSteps(total: 10) == 0)
  }

  @Test func warmUpMayFillTheWholeTraining() {
    let schedule = LearningRateSchedule(.cosine, warmup: .steps(20))
    #expect(schedule.factor(step: 9, total: 10) == 9.0 / 20)
    #expect(LearningRateSchedule(.linear).factor(step: 0, total: 1) == 1)
  }
}
