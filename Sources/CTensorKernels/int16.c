// Two neighbours along k are multiplied and added by one instruction, so that a vector of 8 lanes takes 16 products where a
// fused multiply-add of floats takes 8.
#include "int16.h"

#include <math.h>
#include <string.h>

#include "packing.h"
#include "tensor_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
// Rows and vectors of columns that stay in registers.
#define ROWS 6
#define VECTORS (TK_INT16_COLUMNS / 8)
// Rows whose sums lie in the first cache.
#define PANEL_ROWS 64

// sums[rows, columns of a panel] (+)= one block of k, of so many pairs.
INLINE void block(float *sums, const int16_t *q, size_t stride, const float *q_scale, size_t blocks, const int16_t *w,
                  const float *w_scale, size_t pairs, int adds, const int rows) {
  __m256i s[ROWS][VECTORS];
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < VECTORS; v++) s[r][v] = _mm256_setzero_si256();
  }
  for (size_t pair = 0; pair < pairs; pair++) {
    __m256i y[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++)
      y[v] = _mm256_loadu_si256((const __m256i *)(w + (pair * TK_INT16_COLUMNS + v * 8) * 2));
    UNROLL for (int r = 0; r < rows; r++) {
      int32_t both;
      memcpy(&both, q + r * stride + pair * 2, sizeof both);
      __m256i x = _mm256_set1_epi32(both);
      UNROLL for (int v = 0; v < VECTORS; v++) s[r][v] = _mm256_add_epi32(s[r][v], _mm256_madd_epi16(x, y[v]));
    }
  }
  UNROLL for (int v = 0; v < VECTORS; v++) {
    __m256 scale = _mm256_loadu_ps(w_scale + v * 8);
    UNROLL for (int r = 0; r < rows; r++) {
      float *at = sums + r * TK_INT16_COLUMNS + v * 8;
      __m256 both = _mm256_mul_ps(_mm256_set1_ps(q_scale[r * blocks]), scale);
      __m256 start = adds ? _mm256_loadu_ps(at) : _mm256_setzero_ps();
      _mm256_storeu_ps(at, _mm256_fmadd_ps(_mm256_cvtepi32_ps(s[r][v]), both, start));
    }
  }
}

// Some rows of one panel of columns; the sums of all blocks lie together, where rows of c may be far apart.
static void panel_product(float *c, size_t ldc, const int16_t *q, const float *q_scale, const int16_t *w,
                          const float *w_scale, size_t rows, size_t k, size_t columns, int accumulate) {
  float sums[PANEL_ROWS * TK_INT16_COLUMNS] __attribute__((aligned(64)));
  size_t blocks = tk_int16_blocks(k), stride = tk_int16_stride(k);
  for (size_t b = 0; b < blocks; b++) {
    size_t top = b * TK_INT16_DEPTH, pairs = (stride - top < TK_INT16_DEPTH ? stride - top : TK_INT16_DEPTH) / 2, i = 0;
#define BLOCK(COUNT)                                                                                        \
  block(sums + i * TK_INT16_COLUMNS, q + i * stride + top, stride, q_scale + i * blocks + b, blocks,         \
        w + top * TK_INT16_COLUMNS, w_scale + b * TK_INT16_COLUMNS, pairs, b > 0, COUNT)
    for (; i + ROWS <= rows; i += ROWS) BLOCK(ROWS);
    switch (rows - i) {
      case 5: BLOCK(5); break;
      case 4: BLOCK(4); break;
      case 3: BLOCK(3); break;
      case 2: BLOCK(2); break;
      case 1: BLOCK(1); break;
    }
#undef BLOCK
  }
  if (blocks == 0) memset(sums, 0, sizeof sums);
  for (size_t r = 0; r < rows; r++) {
    const float *from = sums + r * TK_INT16_COLUMNS;
    float *to = c + r * ldc;
    if (columns == TK_INT16_COLUMNS) {
      UNROLL for (int v = 0; v < VECTORS; v++) {
        __m256 sum = _mm256_load_ps(from + v * 8);
        if (accumulate) sum = _mm256_add_ps(_mm256_loadu_ps(to + v * 8), sum);
        _mm256_storeu_ps(to + v * 8, sum);
      }
    } else {
      for (size_t j = 0; j < columns; j++) to[j] = accumulate ? to[j] + from[j] : from[j];
    }
  }
}

static void int16_product(float *c, size_t ldc, const int16_t *q, const float *q_scale, const int16_t *w,
                         const float *w_scale, size_t whole, size_t rows, size_t k, size_t n, int accumulate) {
  size_t panel = tk_int16_stride(whole) * TK_INT16_COLUMNS, scales = tk_int16_blocks(whole) * TK_INT16_COLUMNS;
  for (size_t j = 0; j < n; j += TK_INT16_COLUMNS, w += panel, w_scale += scales)
    for (size_t i = 0; i < rows; i += PANEL_ROWS)
      panel_product(c + i * ldc + j, ldc, q + i * tk_int16_stride(k), q_scale + i * tk_int16_blocks(k), w, w_scale,
                    rows - i < PANEL_ROWS ? rows - i : PANEL_ROWS, k,
                    n - j < TK_INT16_COLUMNS ? n - j : TK_INT16_COLUMNS, accumulate);
}

// Words and scale of one whole block.
INLINE void quantize_block(int16_t *q, float *scale, const float *x) {
  // Without their signs, floats are in the order of their bits, those that are not finite last.
  __m256i largest = _mm256_setzero_si256(), magnitude = _mm256_set1_epi32(0x7FFFFFFF);
  for (size_t i = 0; i < TK_INT16_DEPTH; i += 8)
    largest = _mm256_max_epi32(largest, _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(x + i)), magnitude));
  int32_t lanes[8], bits = 0;
  _mm256_storeu_si256((__m256i *)lanes, largest);
  for (int i = 0; i < 8; i++) bits = lanes[i] > bits ? lanes[i] : bits;
  float most;
  memcpy(&most, &bits, sizeof most);
  int wrong = bits >= 0x7F800000;
  float inverse = !wrong && most > TK_INT16_LEAST ? TK_INT16_LARGEST / most : 0;
  *scale = wrong ? NAN : most > TK_INT16_LEAST ? most / TK_INT16_LARGEST : 0;
  if (wrong) {
    memset(q, 0, TK_INT16_DEPTH * sizeof *q);
    return;
  }
  for (size_t i = 0; i < TK_INT16_DEPTH; i += 16) {
    __m256 unit = _mm256_set1_ps(inverse);
    __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), unit));
    __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), unit));
    // Packing works within halves of vectors.
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8);
    _mm256_storeu_si256((__m256i *)(q + i), words);
  }
}

static void quantize_int16(int16_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k) {
  for (size_t r = 0; r < rows; r++, q += tk_int16_stride(k)) {
    const float *row = x + r * ldx;
    size_t b = 0;
    for (; b + TK_INT16_DEPTH <= k; b += TK_INT16_DEPTH) quantize_block(q + b, scale++, row + b);
    if (b < k) {
      float rest[TK_INT16_DEPTH] = {0};
      int16_t words[TK_INT16_DEPTH];
      memcpy(rest, row + b, (k - b) * sizeof *rest);
      quantize_block(words, scale++, rest);
      memcpy(q + b, words, (tk_int16_stride(k) - b) * sizeof *q);
    }
  }
}
#pragma clang attribute pop

static int has_int16(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

void tk_quantize_int16(int16_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k) {
#if defined(__x86_64__)
  if (has_int16()) {
    quantize_int16(q, scale, x, ldx, rows, k);
    return;
  }
#endif
  tk_scalar_kernels()->quantize_int16(q, scale, x, ldx, rows, k);
}

void tk_int16_product(float *c, size_t ldc, const int16_t *q, const float *q_scale, const int16_t *w,
                     const float *w_scale, size_t whole, size_t rows, size_t k, size_t n, int accumulate) {
#if defined(__x86_64__)
  if (has_int16()) {
    int16_product(c, ldc, q, q_scale, w, w_scale, whole, rows, k, n, accumulate);
    return;
  }
#endif
  tk_scalar_kernels()->int16_product(c, ldc, q, q_scale, w, w_scale, whole, rows, k, n, accumulate);
}

void tk_pack_int16(int16_t *packed, float *scale, const float *w, size_t down, size_t across, size_t k, size_t n) {
  for (size_t top = 0; top < k; top += TK_INT16_DEPTH, scale += TK_INT16_COLUMNS)
    for (size_t j = 0; j < TK_INT16_COLUMNS; j++) {
      float column[TK_INT16_DEPTH] = {0};
      int16_t words[TK_INT16_DEPTH];
      for (size_t i = 0; j < n && i < TK_INT16_DEPTH && top + i < k; i++) column[i] = w[(top + i) * down + j * across];
      tk_quantize_int16(words, scale + j, column, TK_INT16_DEPTH, 1, TK_INT16_DEPTH);
      for (size_t i = 0; i < TK_INT16_DEPTH && top + i < tk_int16_stride(k); i++)
        packed[((top + i) / 2 * TK_INT16_COLUMNS + j) * 2 + i % 2] = words[i];
    }
}

void tk_restore_int16(float *w, const int16_t *packed, const float *scale, size_t k, size_t n) {
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < k; i++)
      w[j * k + i] =
          packed[(i / 2 * TK_INT16_COLUMNS + j) * 2 + i % 2] * scale[i / TK_INT16_DEPTH * TK_INT16_COLUMNS + j];
}
