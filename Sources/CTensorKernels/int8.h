// Kernels of tensor_kernels.h with the instructions of AVX512-VNNI, and the reference where the processor lacks them.
// Both give the same bits.
#ifndef INT8_H
#define INT8_H

#include <stddef.h>
#include <stdint.h>

void tk_quantize_int8(uint8_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k);
void tk_int8_product(float *c, size_t ldc, const uint8_t *q, const float *q_scale, const int8_t *w, const float *w_scale,
                     const int32_t *offset, size_t rows, size_t k, size_t n, int accumulate);

#endif
