// The kernels for processors with AVX-512 (F, BW, DQ, VL). See kernels_vector.inc.
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
#define TARGET "avx512f,avx512bw,avx512dq,avx512vl,fma,f16c"
#pragma clang attribute push(__attribute__((target(TARGET))), apply_to = function)

#define VW 16
#define NAME "avx512"
typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef uint16_t vh __attribute__((vector_size(32)));

static inline vf load_n(const float *p, size_t n) { return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
static inline void store_n(float *p, vf v, size_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
static inline vh fp16_of(vf v) { return (vh)_mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT); }
static inline vf float_of_fp16(vh h) { return (vf)_mm512_cvtph_ps((__m256i)h); }

// table[index], whose lower four bits count.
static inline vf of_sixteen(const float *table, vi index) {
  return (vf)_mm512_permutexvar_ps((__m512i)index, _mm512_loadu_ps(table));
}

#include "kernels_vector.inc"
#pragma clang attribute pop

const tk_kernels *tk_avx512_kernels(void) {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw")) return NULL;
  if (!__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")) return NULL;
  return __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") ? &kernels : NULL;
}
#else
const tk_kernels *tk_avx512_kernels(void) { return NULL; }
#endif
