// The kernels for processors with AVX2, FMA and F16C. See kernels_vector.inc.
#include <math.h>
#include <string.h>

#include "int8.h"
#include "causal.h"
#include "bf16.h"
#include "formats.h"
#include "tensor_kernels.h"
#include "int16.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define VW 8
#define NAME "avx2"
typedef float vf __attribute__((vector_size(32)));
typedef int32_t vi __attribute__((vector_size(32)));
typedef uint32_t vu __attribute__((vector_size(32)));
typedef uint16_t vh __attribute__((vector_size(16)));

static inline __m256i mask_n(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vf load_n(const float *p, size_t n) { return (vf)_mm256_maskload_ps(p, mask_n(n)); }
static inline void store_n(float *p, vf v, size_t n) { _mm256_maskstore_ps(p, mask_n(n), (__m256)v); }
static inline vh fp16_of(vf v) { return (vh)_mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT); }
static inline vf float_of_fp16(vh h) { return (vf)_mm256_cvtph_ps((__m128i)h); }

// table[index].
static inline vf of_sixteen(const float *table, vi index) {
  __m256i at = (__m256i)index;
  __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), at);
  __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), at);
  return (vf)_mm256_blendv_ps(low, high, (__m256)_mm256_slli_epi32(at, 28));
}

#include "kernels_vector.inc"
#pragma clang attribute pop

const tk_kernels *tk_avx2_kernels(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") ? &kernels
                                                                                                          : NULL;
}
#else
const tk_kernels *tk_avx2_kernels(void) { return NULL; }
#endif
