// Four neighbours along k are multiplied and added by one instruction, unsigned bytes of x with signed bytes of w. Rows of
// x carry 128 too much in every byte; `offset` takes it away again.
#include "int8.h"

#include <math.h>
#include <string.h>

#include "packing.h"
#include "processor.h"
#include "tensor_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), \
                             apply_to = function)

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
// Rows and vectors of columns that stay in registers.
#define ROWS 8
#define VECTORS 3
// Rows whose sums lie in the first cache.
#define PANEL_ROWS 64

INLINE __mmask16 first(size_t n) { return n >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << n) - 1); }

// sums[rows, columns of a panel] (+)= one block of k.
INLINE void block(float *sums, const uint8_t *q, const float *q_scale, size_t blocks, const int8_t *w,
                  const float *w_scale, const int32_t *offset, int adds, const int rows) {
  __m512i s[ROWS][VECTORS];
  UNROLL for (int v = 0; v < VECTORS; v++) {
    __m512i start = _mm512_loadu_si512(offset + v * 16);
    UNROLL for (int r = 0; r < rows; r++) s[r][v] = start;
  }
  for (int quad = 0; quad < TK_INT8_DEPTH / 4; quad++) {
    __m512i y[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++)
      y[v] = _mm512_loadu_si512(w + (quad * TK_INT8_COLUMNS + v * 16) * 4);
    UNROLL for (int r = 0; r < rows; r++) {
      __m512i x = _mm512_set1_epi32(*(const int32_t *)(q + r * blocks * TK_INT8_DEPTH + quad * 4));
      UNROLL for (int v = 0; v < VECTORS; v++) s[r][v] = _mm512_dpbusd_epi32(s[r][v], x, y[v]);
    }
  }
  UNROLL for (int v = 0; v < VECTORS; v++) {
    __m512 scale = _mm512_loadu_ps(w_scale + v * 16);
    UNROLL for (int r = 0; r < rows; r++) {
      float *at = sums + r * TK_INT8_COLUMNS + v * 16;
      __m512 both = _mm512_mul_ps(_mm512_set1_ps(q_scale[r * blocks]), scale);
      __m512 start = adds ? _mm512_loadu_ps(at) : _mm512_setzero_ps();
      _mm512_storeu_ps(at, _mm512_fmadd_ps(_mm512_cvtepi32_ps(s[r][v]), both, start));
    }
  }
}

// Some rows of one panel of columns; the sums of all blocks lie together, where rows of c may be far apart.
static void panel_product(float *c, size_t ldc, const uint8_t *q, const float *q_scale, const int8_t *w,
                          const float *w_scale, const int32_t *offset, size_t rows, size_t blocks, size_t columns,
                          int accumulate) {
  float sums[PANEL_ROWS * TK_INT8_COLUMNS] __attribute__((aligned(64)));
  for (size_t b = 0; b < blocks; b++) {
    size_t i = 0;
    for (; i + ROWS <= rows; i += ROWS)
      block(sums + i * TK_INT8_COLUMNS, q + (i * blocks + b) * TK_INT8_DEPTH, q_scale + i * blocks + b, blocks, w,
            w_scale, offset, b > 0, ROWS);
    for (; i < rows; i++)
      block(sums + i * TK_INT8_COLUMNS, q + (i * blocks + b) * TK_INT8_DEPTH, q_scale + i * blocks + b, blocks, w,
            w_scale, offset, b > 0, 1);
    w += TK_INT8_COLUMNS * TK_INT8_DEPTH;
    w_scale += TK_INT8_COLUMNS;
    offset += TK_INT8_COLUMNS;
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t j = 0; j < columns; j += 16) {
      __mmask16 mask = first(columns - j);
      __m512 sum = blocks > 0 ? _mm512_load_ps(sums + r * TK_INT8_COLUMNS + j) : _mm512_setzero_ps();
      if (accumulate) sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, c + r * ldc + j), sum);
      _mm512_mask_storeu_ps(c + r * ldc + j, mask, sum);
    }
  }
}

static void int8_product(float *c, size_t ldc, const uint8_t *q, const float *q_scale, const int8_t *w,
                         const float *w_scale, const int32_t *offset, size_t rows, size_t k, size_t n, int accumulate) {
  size_t blocks = tk_int8_blocks(k);
  for (size_t j = 0; j < n; j += TK_INT8_COLUMNS) {
    size_t place = j * blocks, columns = n - j < TK_INT8_COLUMNS ? n - j : TK_INT8_COLUMNS;
    for (size_t i = 0; i < rows; i += PANEL_ROWS)
      panel_product(c + i * ldc + j, ldc, q + i * blocks * TK_INT8_DEPTH, q_scale + i * blocks,
                    w + place * TK_INT8_DEPTH, w_scale + place, offset + place,
                    rows - i < PANEL_ROWS ? rows - i : PANEL_ROWS, blocks, columns, accumulate);
  }
}

// Four vectors of four lanes of 32 bits, turned in every quarter.
INLINE void hadamard_quarters(__m512 v[4]) {
  __m512 ab = _mm512_unpacklo_ps(v[0], v[1]), cd = _mm512_unpacklo_ps(v[2], v[3]);
  __m512 AB = _mm512_unpackhi_ps(v[0], v[1]), CD = _mm512_unpackhi_ps(v[2], v[3]);
  v[0] = (__m512)_mm512_unpacklo_pd((__m512d)ab, (__m512d)cd);
  v[1] = (__m512)_mm512_unpackhi_pd((__m512d)ab, (__m512d)cd);
  v[2] = (__m512)_mm512_unpacklo_pd((__m512d)AB, (__m512d)CD);
  v[3] = (__m512)_mm512_unpackhi_pd((__m512d)AB, (__m512d)CD);
}

// Four vectors of four quarters, turned.
INLINE void hadamard_whole(__m512 v[4]) {
  __m512 a = _mm512_shuffle_f32x4(v[0], v[1], 0x44), b = _mm512_shuffle_f32x4(v[0], v[1], 0xEE);
  __m512 c = _mm512_shuffle_f32x4(v[2], v[3], 0x44), d = _mm512_shuffle_f32x4(v[2], v[3], 0xEE);
  v[0] = _mm512_shuffle_f32x4(a, c, 0x88);
  v[1] = _mm512_shuffle_f32x4(a, c, 0xDD);
  v[2] = _mm512_shuffle_f32x4(b, d, 0x88);
  v[3] = _mm512_shuffle_f32x4(b, d, 0xDD);
}

// Sums and differences of numbers whose places differ in one of the two bits that the vector stands for, the upper first.
INLINE void sums_and_differences(__m512 v[4]) {
  __m512 a = _mm512_add_ps(v[0], v[2]), b = _mm512_add_ps(v[1], v[3]);
  __m512 c = _mm512_sub_ps(v[0], v[2]), d = _mm512_sub_ps(v[1], v[3]);
  v[0] = _mm512_add_ps(a, b);
  v[1] = _mm512_sub_ps(a, b);
  v[2] = _mm512_add_ps(c, d);
  v[3] = _mm512_sub_ps(c, d);
}

// See tk_hadamard_place.
INLINE void hadamard(__m512 v[4]) {
  sums_and_differences(v);
  hadamard_whole(v);
  sums_and_differences(v);
  hadamard_quarters(v);
  sums_and_differences(v);
}

// Bytes and scale of one block.
INLINE void quantize_block(uint8_t *q, float *scale, __m512 v[4]) {
  hadamard(v);
  // Without their signs, floats are in the order of their bits, those that are not finite last.
  __m512i largest = _mm512_setzero_si512(), magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  UNROLL for (int i = 0; i < 4; i++)
    largest = _mm512_max_epi32(largest, _mm512_and_epi32((__m512i)v[i], magnitude));
  int32_t bits = _mm512_reduce_max_epi32(largest);
  float most;
  memcpy(&most, &bits, sizeof most);
  int wrong = bits >= 0x7F800000;
  float inverse = !wrong && most > TK_INT8_LEAST ? 127 / most : 0;
  *scale = wrong ? NAN : most > TK_INT8_LEAST ? most / TK_INT8_UNIT : 0;
  UNROLL for (int i = 0; i < 4; i++) {
    __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(v[i], _mm512_set1_ps(inverse)));
    __m128i bytes = _mm512_cvtepi32_epi8(_mm512_add_epi32(whole, _mm512_set1_epi32(128)));
    _mm_storeu_si128((__m128i *)(q + i * 16), bytes);
  }
}

static void quantize_int8(uint8_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * ldx;
    size_t b = 0;
    for (; b + TK_INT8_DEPTH <= k; b += TK_INT8_DEPTH, q += TK_INT8_DEPTH) {
      __m512 v[4];
      UNROLL for (int i = 0; i < 4; i++) v[i] = _mm512_loadu_ps(row + b + i * 16);
      quantize_block(q, scale++, v);
    }
    if (b < k) {
      __m512 v[4];
      UNROLL for (size_t i = 0; i < 4; i++) {
        size_t from = b + i * 16;
        v[i] = from < k ? _mm512_maskz_loadu_ps(first(k - from), row + from) : _mm512_setzero_ps();
      }
      quantize_block(q, scale++, v);
      q += TK_INT8_DEPTH;
    }
  }
}
#pragma clang attribute pop
#endif

int tk_has_int8_products(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni") != 0;
#else
  return 0;
#endif
}

void tk_quantize_int8(uint8_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k) {
#if defined(__x86_64__)
  if (tk_has_int8_products()) {
    quantize_int8(q, scale, x, ldx, rows, k);
    return;
  }
#endif
  tk_scalar_kernels()->quantize_int8(q, scale, x, ldx, rows, k);
}

void tk_int8_product(float *c, size_t ldc, const uint8_t *q, const float *q_scale, const int8_t *w, const float *w_scale,
                     const int32_t *offset, size_t rows, size_t k, size_t n, int accumulate) {
#if defined(__x86_64__)
  if (tk_has_int8_products()) {
    int8_product(c, ldc, q, q_scale, w, w_scale, offset, rows, k, n, accumulate);
    return;
  }
#endif
  tk_scalar_kernels()->int8_product(c, ldc, q, q_scale, w, w_scale, offset, rows, k, n, accumulate);
}

void tk_pack_int8(int8_t *packed, float *scale, int32_t *offset, const float *w, size_t down, size_t across,
                       size_t k, size_t n) {
  for (size_t b = 0; b < tk_int8_blocks(k); b++)
    for (size_t j = 0; j < TK_INT8_COLUMNS; j++) {
      float column[TK_INT8_DEPTH] = {0};
      for (size_t i = 0; j < n && i < TK_INT8_DEPTH && b * TK_INT8_DEPTH + i < k; i++)
        column[i] = w[(b * TK_INT8_DEPTH + i) * down + j * across];
      uint8_t bytes[TK_INT8_DEPTH];
      size_t place = b * TK_INT8_COLUMNS + j;
      tk_quantize_int8(bytes, scale + place, column, TK_INT8_DEPTH, 1, TK_INT8_DEPTH);
      offset[place] = 0;
      for (size_t i = 0; i < TK_INT8_DEPTH; i++) {
        int8_t byte = (int8_t)(bytes[i] - 128);
        packed[((b * TK_INT8_DEPTH / 4 + i / 4) * TK_INT8_COLUMNS + j) * 4 + i % 4] = byte;
        offset[place] -= 128 * byte;
      }
    }
}

void tk_restore_int8(float *w, const int8_t *packed, const float *scale, size_t k, size_t n) {
  for (size_t j = 0; j < n; j++)
    for (size_t b = 0; b < k; b += TK_INT8_DEPTH) {
      float block[TK_INT8_DEPTH], unit = scale[b / TK_INT8_DEPTH * TK_INT8_COLUMNS + j] / 8;
      for (size_t i = 0; i < TK_INT8_DEPTH; i++) {
        size_t place = b + tk_hadamard_place(i);
        block[i] = unit * packed[(place / 4 * TK_INT8_COLUMNS + j) * 4 + place % 4];
      }
      tk_hadamard(block);
      for (size_t i = 0; i < TK_INT8_DEPTH && b + i < k; i++) w[j * k + b + i] = block[i];
    }
}

void tk_hadamard(float *x) {
  for (size_t apart = TK_INT8_DEPTH / 2; apart > 0; apart /= 2)
    for (size_t i = 0; i < TK_INT8_DEPTH; i++) {
      if (i & apart) continue;
      float a = x[i], b = x[i + apart];
      x[i] = a + b;
      x[i + apart] = a - b;
    }
}
