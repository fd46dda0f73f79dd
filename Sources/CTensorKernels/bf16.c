// In products, pairs of neighbours along k are multiplied and added by one instruction, so both operands are packed as
// pairs.
#include "bf16.h"

#include "causal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), \
                             apply_to = function)

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
// Rows and blocks of columns that stay in registers.
#define ROWS 6
#define BLOCKS 4

INLINE __mmask16 first(size_t n) { return n >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << n) - 1); }

// Pairs (low[i], high[i]).
INLINE __m512i pairs(__m512 low, __m512 high) {
  __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(low));
  __m512i h = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(high));
  return _mm512_or_epi32(l, _mm512_slli_epi32(h, 16));
}

// Pairs (row[2i], row[2i + 1]) of up to 32 numbers.
INLINE __m512i neighbours(const float *row, size_t n) {
  __m512 low = _mm512_maskz_loadu_ps(first(n), row);
  __m512 high = n > 16 ? _mm512_maskz_loadu_ps(first(n - 16), row + 16) : _mm512_setzero_ps();
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

// Turns 16 vectors of 16.
INLINE void transpose(__m512i x[16]) {
  __m512i y[16];
  UNROLL for (int i = 0; i < 16; i += 2) {
    y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
    y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
  }
  UNROLL for (int i = 0; i < 16; i += 4) {
    x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
    x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
    x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
    x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
    y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xDD);
    y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
    y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xDD);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    x[i] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88);
    x[i + 8] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0xDD);
    x[i + 4] = _mm512_shuffle_i32x4(y[i + 4], y[i + 12], 0x88);
    x[i + 12] = _mm512_shuffle_i32x4(y[i + 4], y[i + 12], 0xDD);
  }
}

// Packs pairs along k of x [k, n]: y[pair][n rounded up to `width`].
INLINE void pack_rows(uint32_t *y, size_t width, const float *x, size_t ld, size_t k, size_t n) {
  for (size_t l = 0; l < k; l += 2) {
    for (size_t j = 0; j < n; j += 16) {
      __m512 low = _mm512_maskz_loadu_ps(first(n - j), x + l * ld + j);
      __m512 high = l + 1 < k ? _mm512_maskz_loadu_ps(first(n - j), x + (l + 1) * ld + j) : _mm512_setzero_ps();
      _mm512_storeu_si512(y + l / 2 * width + j, pairs(low, high));
    }
  }
}

// Packs pairs along k of some rows of bfloat16 numbers, table[row[l]][n]: y[pair][n rounded up to `width`].
INLINE void pack_listed(uint32_t *y, size_t width, const uint16_t *table, size_t ld, const uint32_t *row, size_t k,
                        size_t n) {
  for (size_t l = 0; l < k; l += 2) {
    const uint16_t *one = table + row[l] * ld, *other = l + 1 < k ? table + row[l + 1] * ld : NULL;
    for (size_t j = 0; j < n; j += 16) {
      __mmask16 mask = first(n - j);
      __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, one + j));
      __m512i high = other ? _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, other + j)) : _mm512_setzero_si512();
      _mm512_storeu_si512(y + l / 2 * width + j, _mm512_or_epi32(low, _mm512_slli_epi32(high, 16)));
    }
  }
}

// Packs pairs along k of x [n, k]: y[pair][n rounded up to `width`].
INLINE void pack_transposed(uint32_t *y, size_t width, const float *x, size_t ld, size_t k, size_t n) {
  for (size_t j = 0; j < n; j += 16) {
    for (size_t l = 0; l < k; l += 32) {
      __m512i square[16];
      UNROLL for (size_t r = 0; r < 16; r++)
        square[r] = j + r < n ? neighbours(x + (j + r) * ld + l, k - l) : _mm512_setzero_si512();
      transpose(square);
      size_t count = (k - l + 1) / 2 < 16 ? (k - l + 1) / 2 : 16;
      for (size_t p = 0; p < count; p++) _mm512_storeu_si512(y + (l / 2 + p) * width + j, square[p]);
    }
  }
}

// Packs pairs along k of x [m, k]: y[m][pairs], rows `width` apart.
INLINE void pack_pairs(uint32_t *y, size_t width, const float *x, size_t ld, size_t m, size_t k) {
  for (size_t i = 0; i < m; i++)
    for (size_t l = 0; l < k; l += 32)
      _mm512_mask_storeu_epi32(y + i * width + l / 2, first((k - l + 1) / 2), neighbours(x + i * ld + l, k - l));
}

INLINE void block(float *c, size_t ldc, const uint32_t *a, size_t down, size_t across, const uint32_t *b, size_t width,
                  const tk_range *ranges, size_t count, size_t columns, int accumulate, const int rows, const int blocks) {
  __m512 s[ROWS][BLOCKS];
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < blocks; v++) s[r][v] = _mm512_setzero_ps();
  }
  for (size_t part = 0; part < count; part++) {
    for (size_t p = ranges[part].from; p < ranges[part].to; p++) {
      __m512bh w[BLOCKS];
      UNROLL for (int v = 0; v < blocks; v++) w[v] = (__m512bh)_mm512_loadu_si512(b + p * width + v * 16);
      UNROLL for (int r = 0; r < rows; r++) {
        __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[r * down + p * across]);
        UNROLL for (int v = 0; v < blocks; v++) s[r][v] = _mm512_dpbf16_ps(s[r][v], x, w[v]);
      }
    }
  }
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < blocks; v++) {
      float *at = c + r * ldc + v * 16;
      __mmask16 mask = first(columns - (size_t)v * 16);
      __m512 sum = accumulate ? _mm512_add_ps(_mm512_maskz_loadu_ps(mask, at), s[r][v]) : s[r][v];
      _mm512_mask_storeu_ps(at, mask, sum);
    }
  }
}

INLINE void strip(float *c, size_t ldc, const uint32_t *a, size_t down, size_t across, const uint32_t *b, size_t width,
                  const tk_range *ranges, size_t count, size_t n, int accumulate, const int rows) {
  size_t j = 0;
  for (; j + 48 < n; j += 64)
    block(c + j, ldc, a, down, across, b + j, width, ranges, count, n - j, accumulate, rows, 4);
  if (j + 32 < n)
    block(c + j, ldc, a, down, across, b + j, width, ranges, count, n - j, accumulate, rows, 3);
  else if (j + 16 < n)
    block(c + j, ldc, a, down, across, b + j, width, ranges, count, n - j, accumulate, rows, 2);
  else if (j < n)
    block(c + j, ldc, a, down, across, b + j, width, ranges, count, n - j, accumulate, rows, 1);
}

// Elements along k to pairs; neighbouring ranges may share one.
INLINE void to_pairs(tk_range *ranges, size_t count) {
  size_t done = 0;
  for (size_t g = 0; g < count; g++) {
    size_t from = ranges[g].from / 2, to = (ranges[g].to + 1) / 2;
    ranges[g] = (tk_range){from < done ? done : from, to};
    done = to;
  }
}

INLINE void causal_strip(float *c, size_t ldc, const uint32_t *a, size_t down, size_t across, const uint32_t *b,
                         size_t width, size_t i, size_t k, size_t n, int accumulate, const tk_causal *causal,
                         const int rows) {
  tk_range ranges[tk_most_ranges];
  size_t wanted = n, count = tk_seen(ranges, causal, i, (size_t)rows, k, &wanted);
  to_pairs(ranges, count);
  wanted = (wanted + 15) / 16 * 16 < n ? (wanted + 15) / 16 * 16 : n;
  strip(c + i * ldc, ldc, a + i * down, down, across, b, width, ranges, count, wanted, accumulate, rows);
  if (wanted == n || accumulate) return;
  for (size_t r = i; r < i + (size_t)rows; r++) {
    for (size_t j = wanted; j < n; j += 16)
      _mm512_mask_storeu_ps(c + r * ldc + j, first(n - j), _mm512_setzero_ps());
  }
}

// c[m, n] (+)= a b, packed.
static void packed_product(float *c, size_t ldc, const uint32_t *a, size_t down, size_t across, const uint32_t *b,
                           size_t width, size_t m, size_t n, size_t k, int accumulate, const tk_causal *causal) {
  size_t i = 0;
  for (; i + ROWS <= m; i += ROWS)
    causal_strip(c, ldc, a, down, across, b, width, i, k, n, accumulate, causal, ROWS);
  if (i + 4 <= m) {
    causal_strip(c, ldc, a, down, across, b, width, i, k, n, accumulate, causal, 4);
    i += 4;
  }
  if (i + 2 <= m) {
    causal_strip(c, ldc, a, down, across, b, width, i, k, n, accumulate, causal, 2);
    i += 2;
  }
  if (i < m) causal_strip(c, ldc, a, down, across, b, width, i, k, n, accumulate, causal, 1);
}

static void bf16_tile_product(float *c, size_t ldc, const float *a, size_t lda, int transposed_a, const float *b,
                              size_t ldb, int transposed_b, size_t m, size_t n, size_t k, int accumulate,
                              const tk_causal *causal, float *scratch) {
  size_t count = (k + 1) / 2, width = (n + 15) / 16 * 16;
  uint32_t *packed_b = (uint32_t *)scratch, *packed_a = packed_b + count * width;
  if (transposed_b)
    pack_transposed(packed_b, width, b, ldb, k, n);
  else
    pack_rows(packed_b, width, b, ldb, k, n);
  size_t down, across;
  if (transposed_a) {
    across = (m + 15) / 16 * 16;
    down = 1;
    pack_rows(packed_a, across, a, lda, k, m);
  } else {
    across = 1;
    down = count;
    pack_pairs(packed_a, count, a, lda, m, k);
  }
  packed_product(c, ldc, packed_a, down, across, packed_b, width, m, n, k, accumulate, causal);
}

static void bf16_rows_product(float *c, size_t ldc, const float *a, size_t lda, const uint16_t *table, size_t ld,
                              const uint32_t *row, size_t m, size_t n, size_t k, int accumulate, float *scratch) {
  size_t count = (k + 1) / 2, width = (n + 15) / 16 * 16;
  uint32_t *packed_b = (uint32_t *)scratch, *packed_a = packed_b + count * width;
  pack_listed(packed_b, width, table, ld, row, k, n);
  pack_pairs(packed_a, count, a, lda, m, k);
  packed_product(c, ldc, packed_a, count, 1, packed_b, width, m, n, k, accumulate, NULL);
}

static void to_bf16(uint16_t *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i += 16) {
    __mmask16 mask = first(n - i);
    __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
    // The instruction takes denormal numbers for zeros.
    enum { denormal = 0x20 };
    __m256i rounded = (__m256i)_mm512_cvtneps_pbh(v);
    __mmask16 small = _mm512_fpclass_ps_mask(v, denormal);
    if (__builtin_expect(small != 0, 0)) {
      __m512i bits = (__m512i)v, odd = _mm512_and_epi32(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
      __m512i sum = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
      rounded = _mm256_mask_mov_epi16(rounded, small, _mm512_cvtepi32_epi16(_mm512_srli_epi32(sum, 16)));
    }
    _mm256_mask_storeu_epi16(y + i, mask, rounded);
  }
}
#pragma clang attribute pop

int tk_converts_to_bf16(void) { return __builtin_cpu_supports("avx512bf16"); }

void tk_to_bf16(uint16_t *y, const float *x, size_t n) { to_bf16(y, x, n); }
#else
int tk_converts_to_bf16(void) { return 0; }

void tk_to_bf16(uint16_t *y, const float *x, size_t n) { tk_scalar_kernels()->to_bf16(y, x, n); }
#endif

void tk_bf16_tile_product(float *c, size_t ldc, const float *a, size_t lda, int transposed_a, const float *b, size_t ldb,
                          int transposed_b, size_t m, size_t n, size_t k, int accumulate, const tk_causal *causal,
                          float *scratch) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) {
    bf16_tile_product(c, ldc, a, lda, transposed_a, b, ldb, transposed_b, m, n, k, accumulate, causal, scratch);
    return;
  }
#endif
  tk_scalar_kernels()->bf16_tile_product(c, ldc, a, lda, transposed_a, b, ldb, transposed_b, m, n, k, accumulate, causal, scratch);
}

void tk_bf16_rows_product(float *c, size_t ldc, const float *a, size_t lda, const uint16_t *table, size_t ld,
                          const uint32_t *row, size_t m, size_t n, size_t k, int accumulate, float *scratch) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) {
    bf16_rows_product(c, ldc, a, lda, table, ld, row, m, n, k, accumulate, scratch);
    return;
  }
#endif
  tk_scalar_kernels()->bf16_rows_product(c, ldc, a, lda, table, ld, row, m, n, k, accumulate, scratch);
}
