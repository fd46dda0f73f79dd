import Tensors
import Testing

/// What stands in keys says all that decides the bits, and today's usual machine has today's keys.
struct ClassNameTests {
  @Test func theClassIsNamedAloneOnTheMachineItWasMadeFor() throws {
    for kernels in KernelSet.available {
      for computeClass in ComputeClass.available(kernels) {
        let name = computeClass.name(on: kernels)
        #expect(ComputeClass(name: name) == computeClass)
        switch (computeClass, kernels.name) {
        case (.f32, .avx512), (.int16, .avx2): #expect(name == computeClass.rawValue)
        case (.f32, .avx2): #expect(name == "f32+avx2")
        case (.f32, .scalar), (.f32, .neon): #expect(name.hasPrefix("f32+\(kernels.name.rawValue)+"), "\(name)")
        case (.bf16, _), (.int8, _): #expect([computeClass.rawValue, computeClass.rawValue + "+amx"].contains(name))
        default: Issue.record("\(computeClass) on \(kernels.name)")
        }
      }
    }
    let names = KernelSet.available.map { ComputeClass.f32.name(on: $0) }
    #expect(Set(names).count == names.count)
  }

  @Test func otherNamesAreNone() {
    #expect(ComputeClass(name: "") == nil)
    #expect(ComputeClass(name: "f16+avx2") == nil)
  }
}
