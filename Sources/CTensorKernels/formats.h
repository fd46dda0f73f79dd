// The reference of what expands stored weights, and what rounds weights to be stored. See include/tensor_kernels.h.
#ifndef TK_FORMATS_H
#define TK_FORMATS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "packing.h"
#include "tensor_kernels.h"

void tk_scalar_expand_q8_0(float *y, const uint8_t *x, size_t blocks);
void tk_scalar_expand_q4_0(float *y, const uint8_t *x, size_t blocks);
void tk_scalar_expand_q4_1(float *y, const uint8_t *x, size_t blocks);
void tk_scalar_expand_q5_0(float *y, const uint8_t *x, size_t blocks);
void tk_scalar_expand_q5_1(float *y, const uint8_t *x, size_t blocks);
void tk_scalar_expand_mxfp4(float *y, const uint8_t *x, size_t blocks);
void tk_scalar_expand_q4_k(float *y, const uint8_t *x, size_t blocks);
void tk_scalar_expand_q5_k(float *y, const uint8_t *x, size_t blocks);
void tk_scalar_expand_q6_k(float *y, const uint8_t *x, size_t blocks);
void tk_scalar_expand_nf4(float *y, const tk_nf4 *x, size_t first, size_t blocks);

// Twice the 16 numbers of e2m1.
extern const float tk_e2m1_numbers[16];

// Half the scale of a block of mxfp4, a power of two.
static inline float tk_mxfp4_scale(const uint8_t *x) {
  uint32_t bits = *x < 2 ? (uint32_t)0x00200000 << *x : (uint32_t)(*x - 1) << 23;
  float scale;
  memcpy(&scale, &bits, sizeof scale);
  return scale;
}

// The 16 numbers of nf4, ascending.
extern const float tk_nf4_numbers[16];

// The scale of a block of nf4: a number of the map, a largest number and the offset.
static inline float tk_nf4_scale(const tk_nf4 *x, size_t block) {
  return x->map[x->scales[block]] * x->largest[block / TK_NF4_SCALES] + x->offset;
}

// The six-bit scale (0) and minimum (1) of part j of a block of Q4_K or Q5_K, out of the twelve bytes that eight pairs are
// packed into.
static inline uint8_t tk_k_pair(const uint8_t *packed, int j, int minimum) {
  if (j < 4) return packed[j + 4 * minimum] & 63;
  uint8_t low = minimum ? packed[j + 4] >> 4 : packed[j + 4] & 15;
  return (uint8_t)(low | packed[j - 4 + 4 * minimum] >> 6 << 4);
}

#endif
