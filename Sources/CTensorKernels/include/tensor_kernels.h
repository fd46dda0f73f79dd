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

// Rows whose sum is added at a time in products of weight gradients, and the floats that their operands are packed into.
#define TK_OUTER_DEPTH 128
static inline size_t tk_outer_scratch(size_t m, size_t n, size_t k) {
  return (k < TK_OUTER_DEPTH ? k : TK_OUTER_DEPTH) * ((m + 7) / 8 * 8 + (n + 47) / 48 * 48);
}

// Products with a matrix w[k, n] that is packed in panels of TK_PANEL_COLUMNS columns: [panel][k][column], with zeros for
// columns that are not there; and how many along k are summed at a time.
#define TK_PANEL_COLUMNS 16
#define TK_PANEL_DEPTH 256
// The most columns of a small tile that are packed at a time.
#define TK_TILE_COLUMNS 64

// Products in bytes: k is cut into blocks of TK_INT8_DEPTH with a scale of their own for each row of x and each column
// of w; w is packed in panels of TK_INT8_COLUMNS columns, block after block: [panel][block][k / 4][column][k % 4].
// Before rounding, the numbers of a block are turned by a Hadamard matrix (Xi et al. 2023, "Training transformers with 4-bit
// integers"): products stay what they were, but one large number no longer takes the resolution of its 63 neighbours.
#define TK_INT8_DEPTH 64
#define TK_INT8_COLUMNS 48
// Blocks whose largest number is not above this are taken for zeros.
#define TK_INT8_LEAST 1e-30f
// The largest number of a block that was turned, in units of its scale: 127 · √64, because turning does not divide by √64.
#define TK_INT8_UNIT (127 * 8)
static inline size_t tk_int8_blocks(size_t k) { return (k + TK_INT8_DEPTH - 1) / TK_INT8_DEPTH; }
static inline size_t tk_int8_panels(size_t n) { return (n + TK_INT8_COLUMNS - 1) / TK_INT8_COLUMNS; }

// Products in 16-bit whole numbers ("words"): blocks of TK_INT16_DEPTH along k, the last one perhaps shorter, with a scale of
// their own for each row of x and each column of w; w is packed in panels of TK_INT16_COLUMNS columns:
// [panel][k / 2][column][k % 2]. Sums of a block fit 32 bits: TK_INT16_DEPTH · TK_WORD_LARGEST² < 2³¹.
#define TK_INT16_DEPTH 128
#define TK_INT16_COLUMNS 16
#define TK_INT16_LARGEST 4095
// Blocks whose largest number is not above this are taken for zeros.
#define TK_INT16_LEAST 1e-30f
static inline size_t tk_int16_blocks(size_t k) { return (k + TK_INT16_DEPTH - 1) / TK_INT16_DEPTH; }
// Words of a row, or of a column.
static inline size_t tk_int16_stride(size_t k) { return (k + 1) / 2 * 2; }

// Weights in nf4 (Dettmers et al. 2023, "QLoRA"): blocks of TK_NF4_BLOCK numbers of one array, each one of 16 times the
// block's largest; the largest numbers less their mean in 8 bits, with a scale for TK_NF4_SCALES of them ("double
// quantisation").
#define TK_NF4_BLOCK 64
#define TK_NF4_SCALES 256
typedef struct tk_nf4 {
  const uint8_t *codes;   // two numbers a byte
  const uint8_t *scales;  // of a block, a place in `map`
  const float *largest;   // of TK_NF4_SCALES scales
  const float *map;       // 256 numbers
  float offset;
} tk_nf4;

// What a product of attention tiles may leave out. Queries are stacked in groups of `rows`; query r of a group sees the
// keys below limit + r. Scores (keys are columns) of keys that a query does not see may have any finite value; probabilities
// and their gradients (keys are along k, or rows) are 0 there.
typedef enum tk_keys { tk_keys_are_columns, tk_keys_are_inner, tk_keys_are_rows } tk_keys;
typedef struct tk_causal {
  tk_keys keys;
  size_t rows;
  ptrdiff_t limit;
} tk_causal;

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
  void (*lora_dots)(float *u, size_t ldu, const float *x, size_t ldx, const float *a, size_t lda, size_t rows,
                      size_t rank, size_t n, float scale);
  // y += scale · u a
  void (*lora_add)(float *y, size_t ldy, const float *u, size_t ldu, const float *a, size_t lda, size_t rows,
                     size_t rank, size_t n, float scale);
  // g[rank, n] = scale · uᵀ x
  void (*lora_gather)(float *g, size_t ldg, const float *u, size_t ldu, const float *x, size_t ldx, size_t rows,
                        size_t rank, size_t n, float scale);

  // ---- what k rows add to the gradient of a weight: g[m, n] += aᵀ b, a[k, m], b[k, n]; `scratch` holds tk_outer_scratch
  // floats. Sums of TK_OUTER_DEPTH rows, one fused multiply-add after the other, are added to g: the same bits everywhere.
  void (*outer_products)(float *g, size_t ldg, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                         size_t n, size_t k, float *scratch);

  // ---- c[rows, n] (+)= x[rows, k] w, with w from the first of its panels on, `panel` floats apart. Sums of TK_PANEL_DEPTH
  // along k, one fused multiply-add after the other, are added up and to c: the same bits everywhere.
  void (*panel_product)(float *c, size_t ldc, const float *x, size_t ldx, const float *w, size_t panel, size_t rows,
                        size_t k, size_t n, int accumulate);

  // ---- products of small tiles in the same way: c[m, n] (+)= a b; a is [m, k], or [k, m] when `transposed_a`; b is [k, n], or
  // [n, k] when `transposed_b`; `causal` may be NULL and may be ignored; `scratch` holds k · TK_TILE_COLUMNS floats
  void (*float_tile_product)(float *c, size_t ldc, const float *a, size_t lda, int transposed_a, const float *b, size_t ldb,
                             int transposed_b, size_t m, size_t n, size_t k, int accumulate, const tk_causal *causal,
                             float *scratch);
  // the same with b's row l = table[row[l]]; a is [m, k]; `scratch` holds k · TK_PANEL_COLUMNS floats
  void (*float_rows_product)(float *c, size_t ldc, const float *a, size_t lda, const float *table, size_t ld,
                             const uint32_t *row, size_t m, size_t n, size_t k, int accumulate, float *scratch);

  // ---- products of small tiles, attention's, with a and b rounded to bf16 and sums in f32: c[m, n] (+)= a b; a is
  // [m, k], or [k, m] when `transposed_a`; b is [k, n], or [n, k] when `transposed_b`; `causal` may be NULL and may be ignored;
  // `scratch` holds tk_tile_scratch floats
  void (*bf16_tile_product)(float *c, size_t ldc, const float *a, size_t lda, int transposed_a, const float *b, size_t ldb,
                            int transposed_b, size_t m, size_t n, size_t k, int accumulate, const tk_causal *causal,
                            float *scratch);
  // the same with b's row l = table[row[l]], in bf16; a is [m, k]
  void (*bf16_rows_product)(float *c, size_t ldc, const float *a, size_t lda, const uint16_t *table, size_t ld,
                            const uint32_t *row, size_t m, size_t n, size_t k, int accumulate, float *scratch);

  // ---- products in bytes, sums of a block in 32-bit integers; see TK_INT8_DEPTH. Numbers that are not finite make the
  // results of their row so.
  // x[rows, k] -> q[rows, blocks · depth] = round(127 h / max |h|) + 128, scale[rows, blocks] = max |h| / TK_INT8_UNIT, with h
  // the block after tk_hadamard, each number at its tk_hadamard_place
  void (*quantize_int8)(uint8_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k);
  // c[rows, n] (+)= x w from the first panel on
  void (*int8_product)(float *c, size_t ldc, const uint8_t *q, const float *q_scale, const int8_t *w,
                       const float *w_scale, const int32_t *offset, size_t rows, size_t k, size_t n, int accumulate);

  // ---- products in words, sums of a block in 32-bit integers; see TK_INT16_DEPTH. Numbers that are not finite make the
  // results of their row so.
  // x[rows, k] -> q[rows, tk_int16_stride] = round(TK_INT16_LARGEST x / max |x|), scale[rows, blocks] = max |x| /
  // TK_INT16_LARGEST, block by block
  void (*quantize_int16)(int16_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k);
  // c[rows, n] (+)= x w; w has `whole` rows, and its first row and first panel here are multiples of TK_INT16_DEPTH and
  // TK_INT16_COLUMNS
  void (*int16_product)(float *c, size_t ldc, const int16_t *q, const float *q_scale, const int16_t *w,
                       const float *w_scale, size_t whole, size_t rows, size_t k, size_t n, int accumulate);

  // ---- root mean square norm (Zhang and Sennrich 2019), x[rows, n], w[n], inverse[rows] = 1/rms
  // y = x · inverse · w. With `a`: sum = a + x first, and sum takes the place of x; sum may be x or a.
  void (*rms_norm)(float *y, float *inverse, float *sum, const float *a, const float *x, const float *w, size_t rows,
                   size_t n, float epsilon);
  // dx (+)= inverse · (w dy - x · inverse² · mean(w dy x)); dw += Σ_rows dy x inverse, unless dw is NULL.
  void (*rms_norm_backward)(float *dx, float *dw, const float *dy, const float *x, const float *w, const float *inverse,
                            size_t rows, size_t n, int accumulate);

  // ---- layer norm (Ba et al. 2016), x[rows, n], w[n] and b[n] or NULL for ones and zeros, mean[rows], inverse[rows] = 1/σ
  // y = (x - mean) · inverse · w + b. With `a`: sum = a + x first, and sum takes the place of x; sum may be x or a.
  void (*layer_norm)(float *y, float *mean, float *inverse, float *sum, const float *a, const float *x, const float *w,
                     const float *b, size_t rows, size_t n, float epsilon);
  // With z = (x - mean) inverse: dx (+)= inverse · (w dy - mean(w dy) - z mean(w dy z)); dw += Σ_rows dy z and db += Σ_rows dy,
  // unless NULL.
  void (*layer_norm_backward)(float *dx, float *dw, float *db, const float *dy, const float *x, const float *w,
                              const float *mean, const float *inverse, size_t rows, size_t n, int accumulate);

  // ---- rotary positions, halves layout (Su et al. 2021; layout of HF transformers)
  // y[r] (+)= scale · rotate(x[r], angle of position[r]); cos, sin: [positions, half]. inverse != 0 turns back.
  void (*rotate)(float *y, size_t ldy, const float *x, size_t ldx, const float *cos, const float *sin,
                 const int32_t *position, size_t rows, size_t half, float scale, int inverse, int accumulate);
  // The same for neighbours: elements 2i and 2i + 1 turn together.
  void (*rotate_pairs)(float *y, size_t ldy, const float *x, size_t ldx, const float *cos, const float *sin,
                       const int32_t *position, size_t rows, size_t half, float scale, int inverse, int accumulate);

  // ---- softmax of attention tiles s[rows, columns]; row r sees the columns from first_begin + r on and below
  // first_limit + r, others become 0
  // Online softmax (Milakov and Gimelshein 2018): s = e^(s - m'), maximum[r] and sum[r] go on, factor[r] = e^(m - m').
  void (*softmax_rows)(float *s, size_t ld, size_t rows, size_t columns, ptrdiff_t first_begin, ptrdiff_t first_limit,
                       float *maximum, float *sum, float *factor);
  // s = e^(s - lse[r])
  void (*probability_rows)(float *s, size_t ld, size_t rows, size_t columns, ptrdiff_t first_begin,
                           ptrdiff_t first_limit, const float *lse);
  // dp = p (dp - delta[r]) scale
  void (*score_gradient_rows)(float *dp, const float *p, size_t ld, size_t rows, size_t columns, const float *delta,
                              float scale);
  // s = cap · tanh(s / cap); slope = 1 - tanh², unless NULL
  void (*soft_cap)(float *s, float *slope, size_t n, float cap);
  // y[r] *= factor[r]
  void (*scale_rows)(float *y, size_t ld, const float *factor, size_t rows, size_t n);

  // ---- gated activations h = f(gate) up; silu: f(x) = x σ(x); gelu: f(x) = x σ(2 √(2/π) (x + 0.044715 x³))
  void (*gated_silu)(float *h, const float *gate, const float *up, size_t n);
  void (*gated_gelu)(float *h, const float *gate, const float *up, size_t n);
  // dgate and dup are written; dgate may be gate, dup may be up.
  void (*gated_silu_backward)(float *dgate, float *dup, const float *dh, const float *gate, const float *up, size_t n);
  void (*gated_gelu_backward)(float *dgate, float *dup, const float *dh, const float *gate, const float *up, size_t n);
  // f(x) = x Φ(x), with the normal distribution's Φ
  void (*gated_gelu_erf)(float *h, const float *gate, const float *up, size_t n);
  void (*gated_gelu_erf_backward)(float *dgate, float *dup, const float *dh, const float *gate, const float *up, size_t n);
  // h = (u + 1) g σ(1.702 g) with g = min(gate, 7), u = up within ±7
  void (*gated_clamped)(float *h, const float *gate, const float *up, size_t n);
  void (*gated_clamped_backward)(float *dgate, float *dup, const float *dh, const float *gate, const float *up, size_t n);

  // ---- activations y = f(x) with the same functions; dx is written and may be x or dy
  void (*silu)(float *y, const float *x, size_t n);
  void (*silu_backward)(float *dx, const float *dy, const float *x, size_t n);
  void (*gelu)(float *y, const float *x, size_t n);
  void (*gelu_backward)(float *dx, const float *dy, const float *x, size_t n);
  void (*gelu_erf)(float *y, const float *x, size_t n);
  void (*gelu_erf_backward)(float *dx, const float *dy, const float *x, size_t n);
  void (*relu)(float *y, const float *x, size_t n);
  void (*relu_backward)(float *dx, const float *dy, const float *x, size_t n);
  // max(x, 0)²
  void (*relu_squared)(float *y, const float *x, size_t n);
  void (*relu_squared_backward)(float *dx, const float *dy, const float *x, size_t n);

  // ---- softmax over a vocabulary
  // s = e^(s - max); gives Σ s, the maximum and its first place. n > 0.
  float (*exp_row)(float *s, size_t n, float *maximum, size_t *place);
  // The columns j of s[rows, n] where s[r][j] factor[r] reaches the threshold in any row, ascending; gives how many. Any
  // when there are numbers that are not.
  // `largest` is space for n floats.
  size_t (*columns_above)(uint32_t *columns, float *largest, const float *s, size_t ld, size_t rows, size_t n,
                          const float *factor, float threshold);
  // y[i] = factor s[columns[i]]
  void (*gather)(float *y, const float *s, const uint32_t *columns, size_t n, float factor);

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

  // ---- stored weights: the numbers of whole blocks, the same bits everywhere; 32 numbers a block, 256 those named _k
  void (*expand_q8_0)(float *y, const uint8_t *x, size_t blocks);
  void (*expand_q4_0)(float *y, const uint8_t *x, size_t blocks);
  void (*expand_q4_1)(float *y, const uint8_t *x, size_t blocks);
  void (*expand_q5_0)(float *y, const uint8_t *x, size_t blocks);
  void (*expand_q5_1)(float *y, const uint8_t *x, size_t blocks);
  void (*expand_mxfp4)(float *y, const uint8_t *x, size_t blocks);
  void (*expand_q4_k)(float *y, const uint8_t *x, size_t blocks);
  void (*expand_q5_k)(float *y, const uint8_t *x, size_t blocks);
  void (*expand_q6_k)(float *y, const uint8_t *x, size_t blocks);
  void (*expand_nf4)(float *y, const tk_nf4 *x, size_t first, size_t blocks);
} tk_kernels;

// The reference.
const tk_kernels *tk_scalar_kernels(void);
// NULL when this processor (or this kind of processor) cannot run them.
const tk_kernels *tk_avx2_kernels(void);
const tk_kernels *tk_avx512_kernels(void);
const tk_kernels *tk_neon_kernels(void);

#endif
