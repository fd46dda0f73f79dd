// Compares the NEON kernels with the scalar reference over lengths around the width of a vector, and the reference with
// sums in double. Prints what differs; exits 1 when anything does. See scripts/test-aarch64.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor_kernels.h"

enum { LIMIT = 600, ROWS = 5, RANK = 3 };

static int failures = 0;
static uint32_t state;

static float number(void) {
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) / (1 << 23) - 1;
}

static float *numbers(uint32_t seed, size_t count) {
  float *x = malloc((count + 1) * sizeof *x);
  state = seed;
  for (size_t i = 0; i < count; i++) x[i] = 3 * number();
  return x;
}

static void expect(const char *what, size_t n, const float *found, const float *wanted, size_t count, float tolerance) {
  for (size_t i = 0; i < count; i++) {
    if (fabsf(found[i] - wanted[i]) <= tolerance * (1 + fabsf(wanted[i]))) continue;
    printf("%s, n = %zu: element %zu is %.9g, not %.9g\n", what, n, i, found[i], wanted[i]);
    failures++;
    return;
  }
}

// What a kernel makes of the same numbers in both versions; y and z are written, x is read.
typedef void (*call)(const tk_kernels *k, float *y, float *z, float *x[4], size_t n);

static void exp_call(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  k->exp(y, x[0], n);
  k->exp(z, x[1], n);
}
static void elements(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  k->add(y, x[0], x[1], n);
  k->axpy(z, 1.7f, x[2], n);
  k->scale(z, 0.3f, n);
}
static void sums(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  y[0] = k->dot(x[0], x[1], n);
  z[0] = (float)k->sum_squares(x[0], n);
  k->matrix_vector(y + 1, x[2], n, x[0], ROWS - 1, n);
}
static void lora(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  float u[ROWS * RANK];
  k->lora_dots(u, RANK, x[0], n, x[1], n, ROWS, RANK, n, 0.5f);
  k->lora_add(y, n, u, RANK, x[2], n, ROWS, RANK, n, 0.25f);
  k->lora_gather(z, n, u, RANK, x[3], n, ROWS, RANK, n, 0.25f);
}
static void outer(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  // ROWS of y from as many columns of x, then n of z from one.
  float *scratch = malloc(tk_outer_scratch(n < ROWS ? ROWS : n, n < ROWS ? ROWS : n, ROWS) * sizeof *scratch);
  k->outer_products(y, n, x[0], ROWS, x[1], n, ROWS, n, ROWS, scratch);
  k->outer_products(z, 1, x[2], n, x[3], 1, n, 1, ROWS, scratch);
  free(scratch);
}
static void panels(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  // x[ROWS, n] with columns of a panel and a piece of the next; its first columns turned, with rows of n as columns.
  size_t panel = n * TK_PANEL_COLUMNS, columns = 19;
  float *packed = calloc(2 * panel + 1, sizeof *packed), *scratch = malloc((n + 1) * TK_PANEL_COLUMNS * sizeof *scratch);
  for (size_t i = 0; i < columns * n; i++)
    packed[i / n / TK_PANEL_COLUMNS * panel + i % n * TK_PANEL_COLUMNS + i / n % TK_PANEL_COLUMNS] = x[1][i % (ROWS * n)];
  float c[ROWS * 19] = {0};
  k->panel_product(c, columns, x[0], n, packed, panel, ROWS, n, columns, 0);
  for (size_t i = 0; i < ROWS * n; i++) y[i] = c[i % (ROWS * columns)];
  k->float_tile_product(z, n, x[2], ROWS, 1, x[3], 1, 1, ROWS, n, 1, 0, NULL, scratch);
  free(scratch);
  free(packed);
}
static void norms(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  float inverse[ROWS];
  k->rms_norm(y, inverse, x[0], x[1], x[0], x[2], ROWS, n, 1e-5f);
  k->rms_norm_backward(z, x[3], y, x[0], x[2], inverse, ROWS, n, 1);
  memcpy(y, x[3], n * sizeof *y);
}
static void turns(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  int32_t position[ROWS] = {0, 1, 2, 1, 0};
  size_t half = n / 2;
  k->rotate(y, n, x[0], n, x[1], x[2], position, ROWS, half, 0.5f, 0, 0);
  k->rotate(z, n, x[3], n, x[1], x[2], position, ROWS, half, 0.5f, 1, 1);
}
static void softmax(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  float maximum[ROWS], sum[ROWS], factor[ROWS];
  for (int r = 0; r < ROWS; r++) maximum[r] = -INFINITY, sum[r] = 0;
  k->softmax_rows(y, n, ROWS, n, (ptrdiff_t)(n / 2) + 1, maximum, sum, factor);
  for (int r = 0; r < ROWS; r++) factor[r] = sum[r];
  k->probability_rows(z, n, ROWS, n, (ptrdiff_t)n, maximum);
  k->score_gradient_rows(x[0], z, n, ROWS, n, sum, 0.125f);
  k->scale_rows(x[0], n, factor, ROWS, n);
  memcpy(z, x[0], ROWS * n * sizeof *z);
}
static void gates(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  k->gated_silu(y, x[0], x[1], n);
  k->gated_gelu(y + n, x[0], x[1], n);
  k->gated_silu_backward(z, z + n, x[2], x[0], x[1], n);
  k->gated_gelu_backward(z + 2 * n, z + 3 * n, x[2], x[0], x[1], n);
}
static void vocabulary(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  size_t place;
  z[0] = k->exp_row(y, n, z + 1, &place);
  z[2] = (float)place;
}
static void dropped(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  k->dropout(y, x[0], n, 40, 7, 1u << 31, 2);
  k->dropout_add(z, x[1], n, 40, 7, 1u << 31, 2);
}
static void steps(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  tk_adamw step = {0.9f, 0.999f, 0.1f, 0.95f, 0.05f, 0.01f, 0.3f, 1e-8f};
  for (size_t i = 0; i < n; i++) x[0][i] = fabsf(x[0][i]);
  k->adamw(y, z, x[0], x[1], n, &step);
}
static void halves(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  uint16_t *h = malloc((n + 1) * sizeof *h);
  if (n > 2) x[0][0] = INFINITY, x[0][1] = -0.0f, x[0][2] = 1e-6f;
  k->to_bf16(h, x[0], n), k->from_bf16(y, h, n);
  k->to_f16(h, x[0], n), k->from_f16(z, h, n);
  for (size_t i = 0; i < n; i++)
    if (isinf(y[i])) y[i] = 1e30f, z[i] = isinf(z[i]) ? 1e30f : 0;
  free(h);
}
static void tiles(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  size_t m = n % 37;
  float *scratch = malloc((tk_tile_scratch(m, ROWS, ROWS + 2) + 1) * sizeof *scratch);
  k->bf16_tile_product(y, ROWS, x[0], ROWS + 2, 0, x[1], ROWS, 0, m, ROWS, ROWS + 2, 0, NULL, scratch);
  k->bf16_tile_product(z, ROWS, x[0], m, 1, x[1], ROWS + 2, 1, m, ROWS, ROWS + 2, 1, NULL, scratch);
  free(scratch);
}

static void likely(const tk_kernels *k, float *y, float *z, float *x[4], size_t n) {
  uint32_t *columns = malloc((n + 1) * sizeof *columns);
  float factor = 0.5f;
  size_t count = k->columns_above(columns, z, x[0], n, 1, n, &factor, 0.6f);
  for (size_t j = 0; j < n; j++) y[j] = -1;
  k->gather(y, x[0], columns, count, 2);
  free(columns);
}

static const struct {
  const char *name;
  call call;
  float tolerance;
} cases[] = {
    {"exp", exp_call, 1e-6f},     {"add, axpy, scale", elements, 1e-6f}, {"sums", sums, 1e-5f},
    {"lora", lora, 1e-4f},    {"rms_norm", norms, 1e-5f},            {"rotate", turns, 1e-6f},
    {"softmax", softmax, 1e-5f},  {"gates", gates, 1e-5f},               {"exp_row", vocabulary, 1e-5f},
    {"dropout", dropped, 0},      {"adamw", steps, 1e-5f},               {"16-bit floats", halves, 0},
    {"tile products", tiles, 1e-5f}, {"likely columns", likely, 0},      {"outer products", outer, 0},
    {"panels", panels, 0},
};

int main(void) {
  const tk_kernels *scalar = tk_scalar_kernels(), *neon = tk_neon_kernels();
  static const size_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 200, 577};
  if (!neon) return puts("there are no NEON kernels here"), 1;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
      size_t n = lengths[l], count = ROWS * LIMIT;
      float *arrays[2][6];
      for (int version = 0; version < 2; version++) {
        for (uint32_t i = 0; i < 6; i++) arrays[version][i] = numbers(i + 1, count);
        // From the second element on: kernels ask for no alignment.
        float *x[4];
        for (int i = 0; i < 4; i++) x[i] = arrays[version][i + 2] + 1;
        cases[c].call(version ? neon : scalar, arrays[version][0] + 1, arrays[version][1] + 1, x, n);
      }
      for (int i = 0; i < 2; i++) {
        expect(cases[c].name, n, arrays[1][i], arrays[0][i], count, cases[c].tolerance);
        // The reference went wrong where it is not a number.
        for (size_t j = 0; j < count; j++)
          if (isnan(arrays[0][i][j])) printf("%s, n = %zu: not a number\n", cases[c].name, n), failures++, j = count;
      }
      for (int version = 0; version < 2; version++)
        for (int i = 0; i < 6; i++) free(arrays[version][i]);
    }
  }
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
    float *a = numbers(1, LIMIT), *b = numbers(2, LIMIT);
    double sum = 0;
    for (size_t i = 0; i < lengths[l]; i++) sum += (double)a[i] * b[i];
    float wanted = (float)sum, found = scalar->dot(a, b, lengths[l]);
    expect("the reference's dot", lengths[l], &found, &wanted, 1, 1e-5f);
    for (size_t i = 0; i < lengths[l]; i++) b[i] = (float)exp(a[i]);
    scalar->exp(a, a, lengths[l]);
    expect("the reference's exp", lengths[l], a, b, lengths[l], 1e-6f);
    free(a), free(b);
  }
  printf("%zu groups of kernels at %zu lengths: %d failures\n", sizeof cases / sizeof *cases,
         sizeof lengths / sizeof *lengths, failures);
  return failures > 0;
}
