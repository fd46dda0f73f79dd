// Kernels of tensor_kernels.h with the instructions of AVX512-BF16, and the reference where the processor lacks them.
#ifndef BF16_H
#define BF16_H

#include <stddef.h>
#include <stdint.h>

#include "tensor_kernels.h"

void tk_bf16_tile_product(float *c, size_t ldc, const float *a, size_t lda, int transposed_a, const float *b, size_t ldb,
                          int transposed_b, size_t m, size_t n, size_t k, int accumulate, const tk_causal *causal,
                          float *scratch);
void tk_bf16_rows_product(float *c, size_t ldc, const float *a, size_t lda, const uint16_t *table, size_t ld,
                          const uint32_t *row, size_t m, size_t n, size_t k, int accumulate, float *scratch);
// Whether tk_to_bf16 may be called.
int tk_converts_to_bf16(void);
// The same bits as to_bf16's.
void tk_to_bf16(uint16_t *y, const float *x, size_t n);

#endif
