// Matrix products of bfloat16 numbers with sums in 32-bit floats through oneDNN, each in the calling thread.
//
// A packed matrix lies in the order that oneDNN's kernels read. All functions give 0 or oneDNN's status; they allocate
// only where said so.
#ifndef HALF_PRODUCTS_H
#define HALF_PRODUCTS_H

#include <stddef.h>
#include <stdint.h>

// y[rows, n] (+)= x[rows, k] m[k, n] for one shape; usable by several threads at once.
typedef struct half_product half_product;

// `m` are n columns from a multiple of 64 on of a matrix of `whole` columns that was packed.
// Makes a product of arrays without gaps between their rows: with gaps oneDNN 2.6 falls back to its slow reference.
int half_product_make(half_product **made, size_t rows, size_t k, size_t n, size_t whole, int accumulates);
// Bytes that half_product_run wants as scratch, aligned to 64.
size_t half_product_scratch(const half_product *product);
// `m` is packed.
int half_product_run(const half_product *product, const uint16_t *x, const void *m, float *y, void *scratch);

// Bytes of a packed matrix [k, n], aligned to 64; 0 when oneDNN cannot say.
size_t half_packed_bytes(size_t k, size_t n);
// Packs plain[k, n], or plain[n, k] when `transposed`. Allocates on the way.
int half_pack(void *packed, const uint16_t *plain, size_t k, size_t n, int transposed);

#endif
