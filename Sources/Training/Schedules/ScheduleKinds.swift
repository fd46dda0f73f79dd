/// The schedules there are, in the order of the reference page.
package let scheduleKinds: [any Schedule.Type] = [
  ConstantSchedule.self, LinearSchedule.self, CosineSchedule.self, RestartingCosineSchedule.self,
  PolynomialSchedule.self, InverseSquareRootSchedule.self, StableSchedule.self, ReflectedExponentialSchedule.self,
  OneCycleSchedule.self, PlateauSchedule.self, RangeTestSchedule.self,
]
