// The kernels for 64-bit ARM processors, all of which have NEON with fused multiply-add. See kernels_vector.inc.
#include <math.h>
#include <string.h>

#include "int8.h"
#include "causal.h"
#include "bf16.h"
#include "formats.h"
#include "tensor_kernels.h"
#include "int16.h"

#if defined(__aarch64__)
#define VW 4
#define NAME "neon"
typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));
typedef uint16_t vh __attribute__((vector_size(8)));
typedef __fp16 v16 __attribute__((vector_size(8)));

static inline vf load_n(const float *p, size_t n) {
  vf v = {};
  memcpy(&v, p, n * sizeof *p);
  return v;
}
static inline void store_n(float *p, vf v, size_t n) { memcpy(p, &v, n * sizeof *p); }
static inline vh fp16_of(vf v) { return (vh)__builtin_convertvector(v, v16); }
static inline vf float_of_fp16(vh h) { return __builtin_convertvector((v16)h, vf); }

// table[index].
static inline vf of_sixteen(const float *table, vi index) {
  return (vf){table[index[0]], table[index[1]], table[index[2]], table[index[3]]};
}

#include "kernels_vector.inc"

const tk_kernels *tk_neon_kernels(void) { return &kernels; }
#else
const tk_kernels *tk_neon_kernels(void) { return NULL; }
#endif
