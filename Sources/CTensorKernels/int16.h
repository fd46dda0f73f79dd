// Kernels of tensor_kernels.h with the instructions of AVX2, and the reference where the processor lacks them. Both give
// the same bits.
#ifndef INT16_H
#define INT16_H

#include <stddef.h>
#include <stdint.h>

void tk_quantize_int16(int16_t *q, float *scale, const float *x, size_t ldx, size_t rows, size_t k);
void tk_int16_product(float *c, size_t ldc, const int16_t *q, const float *q_scale, const int16_t *w,
                     const float *w_scale, size_t whole, size_t rows, size_t k, size_t n, int accumulate);

#endif
