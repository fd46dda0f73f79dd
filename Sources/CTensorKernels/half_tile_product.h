// half_tile_product of tensor_kernels.h with the instructions of AVX512-BF16; the reference where the processor lacks
// them.
#ifndef HALF_TILE_PRODUCT_H
#define HALF_TILE_PRODUCT_H

#include <stddef.h>

void tk_half_tile_product(float *c, size_t ldc, const float *a, size_t lda, int turned_a, const float *b, size_t ldb,
                          int turned_b, size_t m, size_t n, size_t k, int accumulate, float *scratch);

#endif
