import Diagnostics
import Tensors
import Testing

/// Which arithmetic a class of kernels has.
@Suite struct ComputeClassTests {
  @Test func olderKernelsHaveNoBF16() throws {
    for kernels in KernelSet.available where kernels.name != .avx512 {
      let best = kernels.name == .avx2 ? ComputeClass.int16 : .f32
      #expect(ComputeClass.available(kernels) == (best == .f32 ? [.f32] : [.f32, best]))
      #expect(ComputeClass.best(kernels) == best)
    }
    let diagnostic = TensorError.computeClassUnavailable(.bf16, kernels: .avx2).diagnostics[0]
    #expect(diagnostic.summary == "`compute: bf16` needs a processor with AVX512-BF16 or AMX")
    #expect(diagnostic.advice == "Choose `compute: auto` or `compute: f32`")
  }
}
