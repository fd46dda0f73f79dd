// Matrix products through oneDNN with a right operand that was packed once, each in the calling thread: operands are
// 32-bit floats or bfloat16, sums and results 32-bit floats.
//
// A packed matrix lies in the order that oneDNN's kernels read. All functions give 0 or oneDNN's status; they allocate
// only where said so.
#ifndef PACKED_PRODUCTS_H
#define PACKED_PRODUCTS_H

#include <stddef.h>

typedef enum packed_type { packed_f32, packed_bf16 } packed_type;

// y[rows, n] (+)= x[rows, k] m[k, n] for one shape; usable by several threads at once.
typedef struct packed_product packed_product;

// `m` are n columns from a multiple of 64 on of a matrix of `whole` columns that was packed.
// Makes a product of arrays without gaps between their rows: with gaps oneDNN 2.6 falls back to its slow reference.
int packed_product_make(packed_product **made, packed_type type, size_t rows, size_t k, size_t n, size_t whole,
                        int accumulates);
// Bytes that packed_product_run wants as scratch, aligned to 64.
size_t packed_product_scratch(const packed_product *product);
// `x` has the type of the product, `m` is packed.
int packed_product_run(const packed_product *product, const void *x, const void *m, float *y, void *scratch);

// Bytes of a packed matrix [k, n], aligned to 64; 0 when oneDNN cannot say.
size_t packed_bytes(packed_type type, size_t k, size_t n);
// Packs plain[k, n], or plain[n, k] when `transposed`. Allocates on the way.
int packed_pack(void *packed, packed_type type, const void *plain, size_t k, size_t n, int transposed);
// Writes element (row, column) of a packed matrix [k, n] to plain[row · down + column · across]. Allocates on the way.
int packed_unpack(void *plain, size_t down, size_t across, packed_type type, const void *packed, size_t k, size_t n);

// What the library computes products with on this processor, as far as it decides their bits: 0 nothing beyond AVX2,
// 1 AVX-512, 2 also AVX512-BF16, 3 also AMX.
int packed_level(void);

// The library's version: major, minor, patch.
void packed_library_version(int version[3]);

#endif
