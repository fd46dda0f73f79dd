// The reference version of every kernel: plain loops to be read. See tensor_kernels.h.
#include <math.h>
#include <string.h>

#include "formats.h"
#include "tensor_kernels.h"

static void exp_scalar(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = expf(x[i]);
}

static void add(float *y, const float *a, const float *b, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void axpy(float *y, float a, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] += a * x[i];
}

static void scale(float *y, float a, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] *= a;
}

static float dot(const float *a, const float *b, size_t n) {
  float sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static double sum_squares(const float *x, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
  return sum;
}

static void matrix_vector(float *y, const float *w, size_t ld, const float *x, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) y[r] = dot(w + r * ld, x, n);
}

static void lora_dots(float *u, size_t ldu, const float *x, size_t ldx, const float *a, size_t lda, size_t rows,
                        size_t rank, size_t n, float factor) {
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < rank; j++) u[r * ldu + j] = factor * dot(x + r * ldx, a + j * lda, n);
}

static void lora_add(float *y, size_t ldy, const float *u, size_t ldu, const float *a, size_t lda, size_t rows,
                       size_t rank, size_t n, float factor) {
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++) {
      float sum = 0;
      for (size_t j = 0; j < rank; j++) sum += u[r * ldu + j] * a[j * lda + i];
      y[r * ldy + i] += factor * sum;
    }
}

static void lora_gather(float *g, size_t ldg, const float *u, size_t ldu, const float *x, size_t ldx, size_t rows,
                          size_t rank, size_t n, float factor) {
  for (size_t j = 0; j < rank; j++)
    for (size_t i = 0; i < n; i++) {
      float sum = 0;
      for (size_t r = 0; r < rows; r++) sum += u[r * ldu + j] * x[r * ldx + i];
      g[j * ldg + i] = factor * sum;
    }
}

static void outer_products(float *g, size_t ldg, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                           size_t n, size_t k, float *scratch) {
  for (size_t top = 0; top < k; top += TK_OUTER_DEPTH)
    for (size_t i = 0; i < m; i++) {
      for (size_t j = 0; j < n; j++) scratch[j] = 0;
      for (size_t l = top; l < k && l < top + TK_OUTER_DEPTH; l++)
        for (size_t j = 0; j < n; j++) scratch[j] = fmaf(a[l * lda + i], b[l * ldb + j], scratch[j]);
      for (size_t j = 0; j < n; j++) g[i * ldg + j] += scratch[j];
    }
}

static void panel_product(float *c, size_t ldc, const float *x, size_t ldx, const float *w, size_t panel, size_t rows,
                          size_t k, size_t n, int accumulate) {
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < n; j++) {
      const float *column = w + j / TK_PANEL_COLUMNS * panel + j % TK_PANEL_COLUMNS;
      float total = accumulate ? c[r * ldc + j] : 0;
      for (size_t top = 0; top < k; top += TK_PANEL_DEPTH) {
        float sum = 0;
        for (size_t l = top; l < k && l < top + TK_PANEL_DEPTH; l++)
          sum = fmaf(x[r * ldx + l], column[l * TK_PANEL_COLUMNS], sum);
        total += sum;
      }
      c[r * ldc + j] = total;
    }
}

static void float_tile_product(float *c, size_t ldc, const float *a, size_t lda, int transposed_a, const float *b,
                               size_t ldb, int transposed_b, size_t m, size_t n, size_t k, int accumulate,
                               const tk_causal *causal, float *scratch) {
  (void)causal;
  (void)scratch;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      float total = accumulate ? c[i * ldc + j] : 0;
      for (size_t top = 0; top < k; top += TK_PANEL_DEPTH) {
        float sum = 0;
        for (size_t l = top; l < k && l < top + TK_PANEL_DEPTH; l++)
          sum = fmaf(transposed_a ? a[l * lda + i] : a[i * lda + l], transposed_b ? b[j * ldb + l] : b[l * ldb + j], sum);
        total += sum;
      }
      c[i * ldc + j] = total;
    }
}

static void float_rows_product(float *c, size_t ldc, const float *a, size_t lda, const float *table, size_t ld,
                               const uint32_t *row, size_t m, size_t n, size_t k, int accumulate, float *scratch) {
  (void)scratch;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      float total = accumulate ? c[i * ldc + j] : 0;
      for (size_t top = 0; top < k; top += TK_PANEL_DEPTH) {
        float sum = 0;
        for (size_t l = top; l < k && l < top + TK_PANEL_DEPTH; l++)
          sum = fmaf(a[i * lda + l], table[row[l] * ld + j], sum);
        total += sum;
      }
      c[i * ldc + j] = total;
    }
}

static void to_bf16(uint16_t *y, const float *x, size_t n);
static void from_bf16(float *y, const uint16_t *x, size_t n);

static float widened(uint16_t bf16) {
  float x;
  from_bf16(&x, &bf16, 1);
  return x;
}

static float rounded(float x) {
  uint16_t bf16;
  to_bf16(&bf16, &x, 1);
  from_bf16(&x, &bf16, 1);
  return x;
}

static void bf16_tile_product(float *c, size_t ldc, const float *a, size_t lda, int transposed_a, const float *b,
                              size_t ldb, int transposed_b, size_t m, size_t n, size_t k, int accumulate,
                              const tk_causal *causal, float *scratch) {
  (void)causal;
  (void)scratch;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      float sum = 0;
      for (size_t l = 0; l < k; l++)
        sum += rounded(transposed_a ? a[l * lda + i] : a[i * lda + l]) * rounded(transposed_b ? b[j * ldb + l] : b[l * ldb + j]);
      c[i * ldc + j] = accumulate ? c[i * ldc + j] + sum : sum;
    }
}

static void bf16_rows_product(float *c, size_t ldc, const float *a, size_t lda, const uint16_t *table, size_t ld,
                              const uint32_t *row, size_t m, size_t n, size_t k, int accumulate, float *scratch) {
  (void)scratch;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      float sum = 0;
      for (size_t l = 0; l < k; l++) sum += rounded(a[i * lda + l]) * widened(table[row[l] * ld + j]);
      c[i * ldc + j] = accumulate ? c[i * ldc + j] + sum : sum;
    }
}

static uint8_t int8_of(float x, float inverse) { return (uint8_t)((int)nearbyintf(x * inverse) + 128); }

static void quantize_int8(uint8_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k) {
  for (size_t r = 0; r < rows; r++)
    for (size_t b = 0; b < k; b += TK_INT8_DEPTH) {
      float block[TK_INT8_DEPTH] = {0}, most = 0, sum = 0;
      for (size_t i = 0; i < TK_INT8_DEPTH && b + i < k; i++) block[i] = x[r * ldx + b + i];
      tk_hadamard(block);
      for (size_t i = 0; i < TK_INT8_DEPTH; i++) {
        most = fmaxf(most, fabsf(block[i]));
        sum += block[i] * 0;
      }
      float inverse = most > TK_INT8_LEAST ? 127 / most : 0;
      *scale++ = isnan(sum) ? NAN : most > TK_INT8_LEAST ? most / TK_INT8_UNIT : 0;
      for (size_t i = 0; i < TK_INT8_DEPTH; i++)
        q[tk_hadamard_place(i)] = isnan(sum) ? 128 : int8_of(block[i], inverse);
      q += TK_INT8_DEPTH;
    }
}

static void int8_product(float *c, size_t ldc, const uint8_t *q, const float *q_scale, const int8_t *w,
                         const float *w_scale, const int32_t *offset, size_t rows, size_t k, size_t n, int accumulate) {
  size_t blocks = tk_int8_blocks(k);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < n; j++) {
      float total = 0;
      for (size_t b = 0; b < blocks; b++) {
        size_t block = j / TK_INT8_COLUMNS * blocks + b, column = j % TK_INT8_COLUMNS;
        const int8_t *packed = w + block * TK_INT8_DEPTH * TK_INT8_COLUMNS;
        int32_t sum = offset[block * TK_INT8_COLUMNS + column];
        for (size_t l = 0; l < TK_INT8_DEPTH; l++)
          sum += q[(i * blocks + b) * TK_INT8_DEPTH + l] * packed[(l / 4 * TK_INT8_COLUMNS + column) * 4 + l % 4];
        float scale = q_scale[i * blocks + b] * w_scale[block * TK_INT8_COLUMNS + column];
        total = fmaf((float)sum, scale, total);
      }
      c[i * ldc + j] = accumulate ? c[i * ldc + j] + total : total;
    }
}

static void quantize_int16(int16_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k) {
  for (size_t r = 0; r < rows; r++, q += tk_int16_stride(k)) {
    const float *row = x + r * ldx;
    if (k % 2 == 1) q[k] = 0;
    for (size_t b = 0; b < k; b += TK_INT16_DEPTH) {
      size_t end = b + TK_INT16_DEPTH < k ? b + TK_INT16_DEPTH : k;
      float most = 0, sum = 0;
      for (size_t i = b; i < end; i++) {
        most = fmaxf(most, fabsf(row[i]));
        sum += row[i] * 0;
      }
      float inverse = most > TK_INT16_LEAST ? TK_INT16_LARGEST / most : 0;
      *scale++ = isnan(sum) ? NAN : most > TK_INT16_LEAST ? most / TK_INT16_LARGEST : 0;
      for (size_t i = b; i < end; i++) q[i] = isnan(sum) ? 0 : (int16_t)nearbyintf(row[i] * inverse);
    }
  }
}

static void int16_product(float *c, size_t ldc, const int16_t *q, const float *q_scale, const int16_t *w,
                         const float *w_scale, size_t whole, size_t rows, size_t k, size_t n, int accumulate) {
  size_t blocks = tk_int16_blocks(k);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < n; j++) {
      size_t panel = j / TK_INT16_COLUMNS, column = j % TK_INT16_COLUMNS;
      const int16_t *packed = w + panel * tk_int16_stride(whole) * TK_INT16_COLUMNS;
      const float *scales = w_scale + panel * tk_int16_blocks(whole) * TK_INT16_COLUMNS;
      float total = 0;
      for (size_t b = 0; b < blocks; b++) {
        int32_t sum = 0;
        for (size_t l = b * TK_INT16_DEPTH; l < k && l < (b + 1) * TK_INT16_DEPTH; l++)
          sum += q[i * tk_int16_stride(k) + l] * packed[(l / 2 * TK_INT16_COLUMNS + column) * 2 + l % 2];
        total = fmaf((float)sum, q_scale[i * blocks + b] * scales[b * TK_INT16_COLUMNS + column], total);
      }
      c[i * ldc + j] = accumulate ? c[i * ldc + j] + total : total;
    }
}

static void rms_norm(float *y, float *inverse, float *sum, const float *a, const float *x, const float *w, size_t rows,
                     size_t n, float epsilon) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * n;
    if (a) {
      add(sum + r * n, a + r * n, row, n);
      row = sum + r * n;
    }
    inverse[r] = 1 / sqrtf(dot(row, row, n) / (float)n + epsilon);
    for (size_t i = 0; i < n; i++) y[r * n + i] = row[i] * inverse[r] * w[i];
  }
}

static void rms_norm_backward(float *dx, float *dw, const float *dy, const float *x, const float *w,
                              const float *inverse, size_t rows, size_t n, int accumulate) {
  for (size_t r = 0; r < rows; r++) {
    const float *xr = x + r * n, *dyr = dy + r * n;
    float *dxr = dx + r * n;
    float s = inverse[r], sum = 0;
    for (size_t i = 0; i < n; i++) sum += w[i] * dyr[i] * xr[i];
    float c = sum / (float)n * s * s;
    for (size_t i = 0; i < n; i++) {
      float d = s * (w[i] * dyr[i] - xr[i] * c);
      if (dw) dw[i] += dyr[i] * xr[i] * s;
      dxr[i] = accumulate ? dxr[i] + d : d;
    }
  }
}

static void layer_norm(float *y, float *mean, float *inverse, float *sum, const float *a, const float *x,
                       const float *w, const float *b, size_t rows, size_t n, float epsilon) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * n;
    if (a) {
      add(sum + r * n, a + r * n, row, n);
      row = sum + r * n;
    }
    float total = 0, squares = 0;
    for (size_t i = 0; i < n; i++) total += row[i];
    float m = mean[r] = total / (float)n;
    for (size_t i = 0; i < n; i++) squares += (row[i] - m) * (row[i] - m);
    float s = inverse[r] = 1 / sqrtf(squares / (float)n + epsilon);
    for (size_t i = 0; i < n; i++) y[r * n + i] = (row[i] - m) * s * (w ? w[i] : 1) + (b ? b[i] : 0);
  }
}

static void layer_norm_backward(float *dx, float *dw, float *db, const float *dy, const float *x, const float *w,
                                const float *mean, const float *inverse, size_t rows, size_t n, int accumulate) {
  for (size_t r = 0; r < rows; r++) {
    const float *xr = x + r * n, *dyr = dy + r * n;
    float *dxr = dx + r * n;
    float m = mean[r], s = inverse[r], sum = 0, product = 0;
    for (size_t i = 0; i < n; i++) {
      float d = (w ? w[i] : 1) * dyr[i];
      sum += d;
      product += d * (xr[i] - m) * s;
    }
    for (size_t i = 0; i < n; i++) {
      float z = (xr[i] - m) * s, d = s * ((w ? w[i] : 1) * dyr[i] - sum / (float)n - z * product / (float)n);
      if (dw) dw[i] += dyr[i] * z;
      if (db) db[i] += dyr[i];
      dxr[i] = accumulate ? dxr[i] + d : d;
    }
  }
}

static void rotate(float *y, size_t ldy, const float *x, size_t ldx, const float *cos, const float *sin,
                   const int32_t *position, size_t rows, size_t half, float factor, int inverse, int accumulate) {
  for (size_t r = 0; r < rows; r++) {
    const float *c = cos + (size_t)position[r] * half, *s = sin + (size_t)position[r] * half;
    for (size_t i = 0; i < half; i++) {
      float a = x[r * ldx + i], b = x[r * ldx + half + i], turn = inverse ? -s[i] : s[i];
      float first = factor * (a * c[i] - b * turn), second = factor * (b * c[i] + a * turn);
      y[r * ldy + i] = accumulate ? y[r * ldy + i] + first : first;
      y[r * ldy + half + i] = accumulate ? y[r * ldy + half + i] + second : second;
    }
  }
}

static void rotate_pairs(float *y, size_t ldy, const float *x, size_t ldx, const float *cos, const float *sin,
                         const int32_t *position, size_t rows, size_t half, float factor, int inverse, int accumulate) {
  for (size_t r = 0; r < rows; r++) {
    const float *c = cos + (size_t)position[r] * half, *s = sin + (size_t)position[r] * half;
    float *target = y + r * ldy;
    for (size_t i = 0; i < half; i++) {
      float a = x[r * ldx + 2 * i], b = x[r * ldx + 2 * i + 1], turn = inverse ? -s[i] : s[i];
      float first = factor * (a * c[i] - b * turn), second = factor * (b * c[i] + a * turn);
      target[2 * i] = accumulate ? target[2 * i] + first : first;
      target[2 * i + 1] = accumulate ? target[2 * i + 1] + second : second;
    }
  }
}

// The end of the columns that row r sees, or their beginning.
static size_t limit_of(ptrdiff_t first_limit, size_t r, size_t columns) {
  ptrdiff_t limit = first_limit + (ptrdiff_t)r;
  return limit < 0 ? 0 : (size_t)limit < columns ? (size_t)limit : columns;
}

static void softmax_rows(float *s, size_t ld, size_t rows, size_t columns, ptrdiff_t first_begin,
                         ptrdiff_t first_limit, float *maximum, float *sum, float *factor) {
  for (size_t r = 0; r < rows; r++) {
    float *row = s + r * ld;
    size_t limit = limit_of(first_limit, r, columns), begin = limit_of(first_begin, r, limit);
    float m = maximum[r], total = 0;
    for (size_t i = begin; i < limit; i++) m = fmaxf(m, row[i]);
    for (size_t i = begin; i < limit; i++) total += row[i] = expf(row[i] - m);
    for (size_t i = 0; i < begin; i++) row[i] = 0;
    for (size_t i = limit; i < columns; i++) row[i] = 0;
    factor[r] = begin < limit ? expf(maximum[r] - m) : 1;
    sum[r] = sum[r] * factor[r] + total;
    maximum[r] = m;
  }
}

static void probability_rows(float *s, size_t ld, size_t rows, size_t columns, ptrdiff_t first_begin,
                             ptrdiff_t first_limit, const float *lse) {
  for (size_t r = 0; r < rows; r++) {
    size_t limit = limit_of(first_limit, r, columns), begin = limit_of(first_begin, r, limit);
    for (size_t i = 0; i < begin; i++) s[r * ld + i] = 0;
    for (size_t i = begin; i < limit; i++) s[r * ld + i] = expf(s[r * ld + i] - lse[r]);
    for (size_t i = limit; i < columns; i++) s[r * ld + i] = 0;
  }
}

static void score_gradient_rows(float *dp, const float *p, size_t ld, size_t rows, size_t columns, const float *delta,
                                float factor) {
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < columns; i++) dp[r * ld + i] = p[r * ld + i] * (dp[r * ld + i] - delta[r]) * factor;
}

static void soft_cap(float *s, float *slope, size_t n, float cap) {
  for (size_t i = 0; i < n; i++) {
    float t = tanhf(s[i] / cap);
    s[i] = cap * t;
    if (slope) slope[i] = 1 - t * t;
  }
}

static void scale_rows(float *y, size_t ld, const float *factor, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) scale(y + r * ld, factor[r], n);
}

static float sigmoid(float x) { return 1 / (1 + expf(-x)); }

static void gated_silu(float *h, const float *gate, const float *up, size_t n) {
  for (size_t i = 0; i < n; i++) h[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

static void gated_silu_backward(float *dgate, float *dup, const float *dh, const float *gate, const float *up,
                                size_t n) {
  for (size_t i = 0; i < n; i++) {
    float x = gate[i], u = up[i], s = sigmoid(x);
    dup[i] = dh[i] * x * s;
    dgate[i] = dh[i] * u * s * (1 + x * (1 - s));
  }
}

// 2 √(2/π) and its product with 0.044715
static const float gelu_1 = 1.5957691216057308f, gelu_3 = 0.07135481282052566f;

static void gated_gelu(float *h, const float *gate, const float *up, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float x = gate[i];
    h[i] = x * sigmoid(x * (gelu_1 + gelu_3 * x * x)) * up[i];
  }
}

static void gated_gelu_backward(float *dgate, float *dup, const float *dh, const float *gate, const float *up,
                                size_t n) {
  for (size_t i = 0; i < n; i++) {
    float x = gate[i], u = up[i], s = sigmoid(x * (gelu_1 + gelu_3 * x * x));
    dup[i] = dh[i] * x * s;
    dgate[i] = dh[i] * u * s * (1 + x * (1 - s) * (gelu_1 + 3 * gelu_3 * x * x));
  }
}

static float normal(float x) { return 0.5f * (1 + erff(x * 0.70710678f)); }
static float normal_density(float x) { return 0.39894228f * expf(-0.5f * x * x); }

static void gated_gelu_erf(float *h, const float *gate, const float *up, size_t n) {
  for (size_t i = 0; i < n; i++) h[i] = gate[i] * normal(gate[i]) * up[i];
}

static void gated_gelu_erf_backward(float *dgate, float *dup, const float *dh, const float *gate, const float *up,
                                    size_t n) {
  for (size_t i = 0; i < n; i++) {
    float x = gate[i], u = up[i], d = dh[i];
    dup[i] = d * x * normal(x);
    dgate[i] = d * u * (normal(x) + x * normal_density(x));
  }
}

static void gated_clamped(float *h, const float *gate, const float *up, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float x = fminf(gate[i], 7), u = fmaxf(fminf(up[i], 7), -7);
    h[i] = (u + 1) * x * sigmoid(1.702f * x);
  }
}

static void gated_clamped_backward(float *dgate, float *dup, const float *dh, const float *gate, const float *up,
                                   size_t n) {
  for (size_t i = 0; i < n; i++) {
    float g = gate[i], v = up[i], d = dh[i], x = fminf(g, 7), u = fmaxf(fminf(v, 7), -7), s = sigmoid(1.702f * x);
    dup[i] = v < -7 || v > 7 ? 0 : d * x * s;
    dgate[i] = g > 7 ? 0 : d * (u + 1) * s * (1 + 1.702f * x * (1 - s));
  }
}

static void silu(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = x[i] * sigmoid(x[i]);
}

static void silu_backward(float *dx, const float *dy, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float s = sigmoid(x[i]);
    dx[i] = dy[i] * s * (1 + x[i] * (1 - s));
  }
}

static void gelu(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = x[i] * sigmoid(x[i] * (gelu_1 + gelu_3 * x[i] * x[i]));
}

static void gelu_backward(float *dx, const float *dy, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float a = x[i], s = sigmoid(a * (gelu_1 + gelu_3 * a * a));
    dx[i] = dy[i] * s * (1 + a * (1 - s) * (gelu_1 + 3 * gelu_3 * a * a));
  }
}

static void gelu_erf(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = x[i] * normal(x[i]);
}

static void gelu_erf_backward(float *dx, const float *dy, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) dx[i] = dy[i] * (normal(x[i]) + x[i] * normal_density(x[i]));
}

static void relu(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

static void relu_backward(float *dx, const float *dy, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
}

static float exp_row(float *s, size_t n, float *maximum, size_t *place) {
  float m = s[0], sum = 0;
  size_t at = 0;
  for (size_t i = 1; i < n; i++)
    if (s[i] > m) m = s[i], at = i;
  for (size_t i = 0; i < n; i++) sum += s[i] = expf(s[i] - m);
  *maximum = m;
  *place = at;
  return sum;
}

static size_t columns_above(uint32_t *columns, float *largest, const float *s, size_t ld, size_t rows, size_t n,
                            const float *factor, float threshold) {
  size_t count = 0;
  for (size_t j = 0; j < n; j++) {
    largest[j] = 0;
    for (size_t r = 0; r < rows; r++) largest[j] = fmaxf(largest[j], s[r * ld + j] * factor[r]);
    if (largest[j] >= threshold) columns[count++] = (uint32_t)j;
  }
  return count;
}

static void gather(float *y, const float *s, const uint32_t *columns, size_t n, float factor) {
  for (size_t i = 0; i < n; i++) y[i] = factor * s[columns[i]];
}

// Philox4x32-10 (Salmon et al. 2011) of counter (block, 0).
static void philox(uint32_t word[4], uint64_t block, uint64_t seed) {
  uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = 0, c3 = 0;
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p = (uint64_t)0xD2511F53 * c0, q = (uint64_t)0xCD9E8D57 * c2;
    c0 = (uint32_t)(q >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)q;
    c2 = (uint32_t)(p >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)p;
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  word[0] = c0, word[1] = c1, word[2] = c2, word[3] = c3;
}

static void dropout(float *y, const float *x, size_t n, uint64_t first, uint64_t seed, uint32_t threshold,
                    float factor) {
  uint32_t word[4];
  for (size_t i = 0; i < n; i++) {
    if (i % 4 == 0) philox(word, (first + i) / 4, seed);
    y[i] = word[i % 4] >= threshold ? factor * x[i] : 0;
  }
}

static void dropout_add(float *y, const float *x, size_t n, uint64_t first, uint64_t seed, uint32_t threshold,
                        float factor) {
  uint32_t word[4];
  for (size_t i = 0; i < n; i++) {
    if (i % 4 == 0) philox(word, (first + i) / 4, seed);
    if (word[i % 4] >= threshold) y[i] += factor * x[i];
  }
}

static void adamw(float *p, float *m, float *v, const float *g, size_t n, const tk_adamw *step) {
  for (size_t i = 0; i < n; i++) {
    float gradient = g[i] * step->gradient_scale;
    m[i] = m[i] + step->one_minus_beta1 * (gradient - m[i]);
    v[i] = v[i] * step->beta2 + step->one_minus_beta2 * gradient * gradient;
    float denominator = sqrtf(v[i]) / step->root_correction2 + step->epsilon;
    p[i] = p[i] * step->decay - step->step_size * (m[i] / denominator);
  }
}

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits;
}

static float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

static void to_bf16(uint16_t *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = bits_of(x[i]);
    if ((bits & 0x7FFFFFFF) > 0x7F800000)
      y[i] = (uint16_t)(bits >> 16 | 0x40);  // a quiet NaN stays one
    else
      y[i] = (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
  }
}

static void from_bf16(float *y, const uint16_t *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = float_of((uint32_t)x[i] << 16);
}

static void to_f16(uint16_t *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = bits_of(x[i]), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    uint32_t fp16;
    if (magnitude > 0x7F800000) {
      fp16 = 0x7E00 | (magnitude >> 13 & 0x3FF);
    } else if (magnitude >= 0x477FF000) {  // 65520 and above round to infinity
      fp16 = 0x7C00;
    } else if (magnitude < 0x38800000) {  // below 2^-14: a multiple of 2^-24; the addition rounds
      fp16 = bits_of(float_of(magnitude) + 0.5f) - 0x3F000000;
    } else {
      fp16 = (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
    }
    y[i] = (uint16_t)(sign | fp16);
  }
}

static void from_f16(float *y, const uint16_t *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t sign = (uint32_t)(x[i] & 0x8000) << 16, exponent = x[i] >> 10 & 0x1F, fraction = x[i] & 0x3FF;
    if (exponent == 0) {
      float tiny = (float)fraction * 0x1p-24f;
      y[i] = sign ? -tiny : tiny;
    } else if (exponent == 31) {
      y[i] = float_of(sign | 0x7F800000 | fraction << 13 | (fraction ? 0x400000 : 0));
    } else {
      y[i] = float_of(sign | (exponent + 112) << 23 | fraction << 13);
    }
  }
}

static const tk_kernels kernels = {
    .name = "scalar",
    .exp = exp_scalar,
    .add = add,
    .axpy = axpy,
    .scale = scale,
    .dot = dot,
    .sum_squares = sum_squares,
    .matrix_vector = matrix_vector,
    .lora_dots = lora_dots,
    .lora_add = lora_add,
    .lora_gather = lora_gather,
    .outer_products = outer_products,
    .panel_product = panel_product,
    .float_tile_product = float_tile_product,
    .float_rows_product = float_rows_product,
    .bf16_tile_product = bf16_tile_product,
    .bf16_rows_product = bf16_rows_product,
    .quantize_int8 = quantize_int8,
    .int8_product = int8_product,
    .quantize_int16 = quantize_int16,
    .int16_product = int16_product,
    .rms_norm = rms_norm,
    .rms_norm_backward = rms_norm_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .rotate = rotate,
    .rotate_pairs = rotate_pairs,
    .softmax_rows = softmax_rows,
    .probability_rows = probability_rows,
    .score_gradient_rows = score_gradient_rows,
    .soft_cap = soft_cap,
    .scale_rows = scale_rows,
    .gated_silu = gated_silu,
    .gated_gelu = gated_gelu,
    .gated_silu_backward = gated_silu_backward,
    .gated_gelu_backward = gated_gelu_backward,
    .gated_gelu_erf = gated_gelu_erf,
    .gated_gelu_erf_backward = gated_gelu_erf_backward,
    .gated_clamped = gated_clamped,
    .gated_clamped_backward = gated_clamped_backward,
    .silu = silu,
    .silu_backward = silu_backward,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .gelu_erf = gelu_erf,
    .gelu_erf_backward = gelu_erf_backward,
    .relu = relu,
    .relu_backward = relu_backward,
    .exp_row = exp_row,
    .columns_above = columns_above,
    .gather = gather,
    .dropout = dropout,
    .dropout_add = dropout_add,
    .adamw = adamw,
    .to_bf16 = to_bf16,
    .from_bf16 = from_bf16,
    .to_f16 = to_f16,
    .from_f16 = from_f16,
    .expand_q8_0 = tk_scalar_expand_q8_0,
    .expand_q4_0 = tk_scalar_expand_q4_0,
    .expand_q4_1 = tk_scalar_expand_q4_1,
    .expand_q5_0 = tk_scalar_expand_q5_0,
    .expand_q5_1 = tk_scalar_expand_q5_1,
    .expand_q4_k = tk_scalar_expand_q4_k,
    .expand_q5_k = tk_scalar_expand_q5_k,
    .expand_q6_k = tk_scalar_expand_q6_k,
    .expand_nf4 = tk_scalar_expand_nf4,
};

const tk_kernels *tk_scalar_kernels(void) { return &kernels; }
