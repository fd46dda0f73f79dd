// Weights put into the forms that products of whole numbers read, and rounded to those that stand in memory.
#ifndef PACKING_H
#define PACKING_H

#include <stddef.h>
#include <stdint.h>

#include "tensor_kernels.h"

// y = H x in place, x[64], with the unnormalized Hadamard matrix of Sylvester's order: H H = 64.
void tk_hadamard(float *x);
// Where number i of the result stands among the bytes of its block: where the vectors leave it.
static inline size_t tk_hadamard_place(size_t i) { return i >> 2 | (i & 3) << 4; }
// Packs one panel of w[k, n] for int8_product, n <= TK_INT8_COLUMNS, whose elements stand at w[row · down + column · across]:
// bytes, scale[blocks, TK_INT8_COLUMNS], and offset[blocks, TK_INT8_COLUMNS] = -128 Σ bytes.
void tk_pack_int8(int8_t *packed, float *scale, int32_t *offset, const float *w, size_t down, size_t across,
                       size_t k, size_t n);
// The reverse: w[n, k], the columns as rows.
void tk_restore_int8(float *w, const int8_t *packed, const float *scale, size_t k, size_t n);

// Packs one panel of w[k, n] for int16_product, n <= TK_INT16_COLUMNS, whose elements stand at w[row · down + column · across]:
// words, and scale[blocks, TK_INT16_COLUMNS].
void tk_pack_int16(int16_t *packed, float *scale, const float *w, size_t down, size_t across, size_t k, size_t n);
// The reverse: w[n, k], the columns as rows.
void tk_restore_int16(float *w, const int16_t *packed, const float *scale, size_t k, size_t n);

// Rounds x[n] to nf4, as bitsandbytes rounds: bytes, and the largest number of each block, the last one perhaps shorter.
void tk_round_nf4(uint8_t *codes, float *largest, const float *x, size_t n);
// Rounds x[n] to blocks of Q8_0, as ggml rounds, zeros behind the end.
void tk_round_q8_0(uint8_t *y, const float *x, size_t n);

#endif
