// The inner loops of Anneal's computations.
//
// kernels_scalar.c is the clean reference: plain loops, no intrinsics, the meaning of every kernel. kernels_vector.inc
// is the fast version, compiled once for AVX2+FMA, once for AVX-512 and once for NEON. Processors with none of them run
// the reference. The vector versions are tested against the reference; the reference is never made faster.
//
// Rules of all kernels: no allocation, no exit, no state; every length is an argument and may be 0; arrays need no
// alignment and the result does not depend on it; arrays may be the same where said so, otherwise they do not overlap.
// `ld` is the distance in elements between the starts of two rows.
#ifndef TENSOR_KERNELS_H
#define TENSOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// The numbers of one AdamW step, worked out in double by the caller.
typedef struct tk_adamw {
  float gradient_scale;       // what gradients are multiplied with first (clipping)
  float decay;                // 1 - learning rate * weight decay
  float one_minus_beta1;
  float beta2;
  float one_minus_beta2;
  float step_size;            // learning rate / (1 - beta1^t)
  float root_correction2;     // sqrt(1 - beta2^t)
  float epsilon;
} tk_adamw;

// Floats that a tile product packs its operands into.
static inline size_t tk_tile_scratch(size_t m, size_t n, size_t k) {
  return (k + 1) / 2 * ((m + 15) / 16 * 16 + (n + 15) / 16 * 16);
}

typedef struct tk_kernels {
  const char *name;

  // ---- element by element; y may be x, a or b
  // y = e^x. Relative error below 2 ulp; results under 2^-126 become 0.
  void (*exp)(float *y, const float *x, size_t n);
  // y = a + b
  void (*add)(float *y, const float *a, const float *b, size_t n);
  // y += a x
  void (*axpy)(float *y, float a, const float *x, size_t n);
  // y *= a
  void (*scale)(float *y, float a, size_t n);

  // ---- sums
  // Σ a b
  float (*dot)(const float *a, const float *b, size_t n);
  // Σ x², in double
  double (*sum_squares)(const float *x, size_t n);
  // y[rows] = w[rows, n] x[n]
  void (*matrix_vector)(float *y, const float *w, size_t ld, const float *x, size_t rows, size_t n);

  // ---- products with a narrow matrix a[rank, n] (Hu et al. 2021: rank is small), u[rows, rank], x and y [rows, n]
  // u = scale · x aᵀ
  void (*narrow_dots)(float *u, size_t ldu, const float *x, size_t ldx, const float *a, size_t lda, size_t rows,
                      size_t rank, size_t n, float scale);
  // y += scale · u a
  void (*narrow_add)(float *y, size_t ldy, const float *u, size_t ldu, const float *a, size_t lda, size_t rows,
                     size_t rank, size_t n, float scale);
  // g[rank, n] = scale · uᵀ x
  void (*narrow_gather)(float *g, size_t ldg, const float *u, size_t ldu, const float *x, size_t ldx, size_t rows,
                        size_t rank, size_t n, float scale);

  // ---- products of small tiles, attention's, with a and b rounded to bf16 and sums in f32: c[m, n] (+)= a b; a is
  // [m, k], or [k, m] when `turned_a`; b is [k, n], or [n, k] when `turned_b`; `scratch` holds tk_tile_scratch floats
  void (*half_tile_product)(float *c, size_t ldc, const float *a, size_t lda, int turned_a, const float *b, size_t ldb,
                            int turned_b, size_t m, size_t n, size_t k, int accumulate, float *scratch);

  // ---- root mean square norm (Zhang and Sennrich 2019), x[rows, n], w[n], inverse[rows] = 1/rms
  // y = x · inverse · w. With `a`: sum = a + x first, and sum takes the place of x; sum may be x or a.
  void (*rms_norm)(float *y, float *inverse, float *sum, const float *a, const float *x, const float *w, size_t rows,
                   size_t n, float epsilon);
  // dx (+)= inverse · (w dy - x · inverse² · mean(w dy x)); dw += Σ_rows dy x inverse, unless dw is NULL.
  void (*rms_norm_backward)(float *dx, float *dw, const float *dy, const float *x, const float *w, const float *inverse,
                            size_t rows, size_t n, int accumulate);

  // ---- rotary positions, halves layout (Su et al. 2021; layout of HF transformers)
  // y[r] (+)= scale · rotate(x[r], angle of position[r]); cos, sin: [positions, half]. inverse != 0 turns back.
  void (*rotate)(float *y, size_t ldy, const float *x, size_t ldx, const float *cos, const float *sin,
                 const int32_t *position, size_t rows, size_t half, float scale, int inverse, int accumulate);

  // ---- softmax of attention tiles s[rows, columns]; row r sees the columns below first_limit + r, others become 0
  // Online softmax (Milakov and Gimelshein 2018): s = e^(s - m'), maximum[r] and sum[r] go on, factor[r] = e^(m - m').
  void (*softmax_rows)(float *s, size_t ld, size_t rows, size_t columns, ptrdiff_t first_limit, float *maximum,
                       float *sum, float *factor);
  // s = e^(s - lse[r])
  void (*probability_rows)(float *s, size_t ld, size_t rows, size_t columns, ptrdiff_t first_limit, const float *lse);
  // dp = p (dp - delta[r]) scale
  void (*score_gradient_rows)(float *dp, const float *p, size_t ld, size_t rows, size_t columns, const float *delta,
                              float scale);
  // y[r] *= factor[r]
  void (*scale_rows)(float *y, size_t ld, const float *factor, size_t rows, size_t n);

  // ---- gated activations h = f(gate) up; silu: f(x) = x σ(x); gelu: f(x) = x σ(2 √(2/π) (x + 0.044715 x³))
  void (*gated_silu)(float *h, const float *gate, const float *up, size_t n);
  void (*gated_gelu)(float *h, const float *gate, const float *up, size_t n);
  // dgate and dup are written; dgate may be gate, dup may be up.
  void (*gated_silu_backward)(float *dgate, float *dup, const float *dh, const float *gate, const float *up, size_t n);
  void (*gated_gelu_backward)(float *dgate, float *dup, const float *dh, const float *gate, const float *up, size_t n);

  // ---- softmax over a vocabulary
  // s = e^(s - max); gives Σ s, the maximum and its first place. n > 0.
  float (*exp_row)(float *s, size_t n, float *maximum, size_t *place);

  // ---- dropout: element first + i is kept when its Philox4x32-10 word (key seed, counter block (first + i) / 4) is
  // at least threshold; `first` is a multiple of 4
  // y = kept ? scale x : 0; y may be x
  void (*dropout)(float *y, const float *x, size_t n, uint64_t first, uint64_t seed, uint32_t threshold, float scale);
  // y += kept ? scale x : 0
  void (*dropout_add)(float *y, const float *x, size_t n, uint64_t first, uint64_t seed, uint32_t threshold,
                      float scale);

  // ---- AdamW (Loshchilov and Hutter 2019; order of torch.optim.AdamW): p parameters, m and v moments, g gradients
  void (*adamw)(float *p, float *m, float *v, const float *g, size_t n, const tk_adamw *step);

  // ---- 16-bit floats, rounding to nearest even
  void (*to_bf16)(uint16_t *y, const float *x, size_t n);
  void (*from_bf16)(float *y, const uint16_t *x, size_t n);
  void (*to_f16)(uint16_t *y, const float *x, size_t n);
  void (*from_f16)(float *y, const uint16_t *x, size_t n);
} tk_kernels;

// The reference.
const tk_kernels *tk_scalar_kernels(void);
// NULL when this processor (or this kind of processor) cannot run them.
const tk_kernels *tk_avx2_kernels(void);
const tk_kernels *tk_avx512_kernels(void);
const tk_kernels *tk_neon_kernels(void);

// Whether the calling thread is working on a tile of a thread pool.
int tk_inside_tile(void);
void tk_set_inside_tile(int inside);
// Whether this processor multiplies bf16 numbers in vectors (AVX512-BF16) or tiles (AMX).
int tk_has_bf16_products(void);
// The number of processors that this process may run on.
int tk_available_processors(void);
// The numbers of those processors, at most `capacity`; gives how many were written.
size_t tk_allowed_processors(int32_t *processors, size_t capacity);
// Makes the calling thread run on these processors only; 0 when that is done.
int tk_run_on(const int32_t *processors, size_t count);

#endif
