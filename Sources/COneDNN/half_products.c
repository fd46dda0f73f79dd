#include "half_products.h"

#include <dnnl.h>
#include <pthread.h>
#include <stdlib.h>

// Of libgomp, which oneDNN stands on: how many threads its parallel loops take in the calling thread.
void omp_set_num_threads(int count);

struct half_product {
  dnnl_primitive_t primitive;
  dnnl_memory_desc_t x, m, y, scratch;
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_status_t library_status;
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void start(void) {
  library_status = dnnl_engine_create(&engine, dnnl_cpu, 0);
  if (library_status == dnnl_success)
    library_status = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
}

// Prepares the library and makes the calling thread work alone.
static dnnl_status_t enter(void) {
  omp_set_num_threads(1);
  pthread_once(&library_once, start);
  return library_status;
}

static dnnl_status_t plain_matrix(dnnl_memory_desc_t *made, size_t rows, size_t columns, size_t down, size_t across,
                                  dnnl_data_type_t type) {
  dnnl_dims_t extents = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
  dnnl_dims_t strides = {(dnnl_dim_t)down, (dnnl_dim_t)across};
  return dnnl_memory_desc_init_by_strides(made, 2, extents, type, strides);
}

// Pairs of rows, 16 pairs deep, blocks of 64 columns or what is enough for fewer: what the kernels of oneDNN 2.6 choose
// themselves for AVX512-BF16 and AMX. Fixed here, because it must be one for all numbers of rows of x. `whole` is the
// number of columns that were packed together, `n` those of them that are meant.
static dnnl_status_t packed_matrix(dnnl_memory_desc_t *made, size_t k, size_t n, size_t whole) {
  dnnl_dims_t extents = {(dnnl_dim_t)k, (dnnl_dim_t)n};
  dnnl_format_tag_t tag = whole > 48   ? dnnl_BA16a64b2a
                          : whole > 32 ? dnnl_BA16a48b2a
                          : whole > 16 ? dnnl_BA16a32b2a
                                   : dnnl_BA16a16b2a;
  return dnnl_memory_desc_init_by_tag(made, 2, extents, dnnl_bf16, tag);
}

int half_product_make(half_product **made, size_t rows, size_t k, size_t n, size_t whole, int accumulates) {
  dnnl_status_t status = enter();
  if (status != dnnl_success) return (int)status;
  half_product *product = calloc(1, sizeof *product);
  if (!product) return (int)dnnl_out_of_memory;
  dnnl_matmul_desc_t operation;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t after = NULL;
  dnnl_primitive_desc_t description = NULL;
  if ((status = plain_matrix(&product->x, rows, k, k, 1, dnnl_bf16)) == dnnl_success &&
      (status = plain_matrix(&product->y, rows, n, n, 1, dnnl_f32)) == dnnl_success &&
      (status = packed_matrix(&product->m, k, n, whole)) == dnnl_success &&
      (status = dnnl_matmul_desc_init(&operation, &product->x, &product->m, NULL, &product->y)) == dnnl_success &&
      (status = dnnl_primitive_attr_create(&attributes)) == dnnl_success &&
      (status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user)) == dnnl_success &&
      (status = dnnl_post_ops_create(&after)) == dnnl_success &&
      (!accumulates || (status = dnnl_post_ops_append_sum(after, 1)) == dnnl_success) &&
      (status = dnnl_primitive_attr_set_post_ops(attributes, after)) == dnnl_success &&
      (status = dnnl_primitive_desc_create(&description, &operation, attributes, engine, NULL)) == dnnl_success &&
      (status = dnnl_primitive_create(&product->primitive, description)) == dnnl_success)
    product->scratch = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
  if (description) dnnl_primitive_desc_destroy(description);
  if (after) dnnl_post_ops_destroy(after);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  if (status == dnnl_success)
    *made = product;
  else
    free(product);
  return (int)status;
}

size_t half_product_scratch(const half_product *product) { return dnnl_memory_desc_get_size(&product->scratch); }

// Runs a primitive over arrays; oneDNN takes small handles to them, which live for the call.
static dnnl_status_t run(const_dnnl_primitive_t primitive, int count, const int *roles,
                         const dnnl_memory_desc_t *const *layouts, void *const *arrays) {
  dnnl_exec_arg_t arguments[4];
  dnnl_status_t status = dnnl_success;
  int made = 0;
  for (; made < count && status == dnnl_success; made++) {
    arguments[made].arg = roles[made];
    arguments[made].memory = NULL;
    status = dnnl_memory_create(&arguments[made].memory, layouts[made], engine, arrays[made]);
  }
  if (status == dnnl_success) status = dnnl_primitive_execute(primitive, stream, count, arguments);
  while (made-- > 0)
    if (arguments[made].memory) dnnl_memory_destroy(arguments[made].memory);
  return status;
}

int half_product_run(const half_product *product, const uint16_t *x, const void *m, float *y, void *scratch) {
  dnnl_status_t status = enter();
  if (status != dnnl_success) return (int)status;
  const int roles[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
  const dnnl_memory_desc_t *layouts[] = {&product->x, &product->m, &product->y, &product->scratch};
  void *arrays[] = {(void *)x, (void *)m, y, scratch};
  return (int)run(product->primitive, 4, roles, layouts, arrays);
}

size_t half_packed_bytes(size_t k, size_t n) {
  dnnl_memory_desc_t layout;
  return packed_matrix(&layout, k, n, n) == dnnl_success ? dnnl_memory_desc_get_size(&layout) : 0;
}

int half_pack(void *packed, const uint16_t *plain, size_t k, size_t n, int transposed) {
  dnnl_status_t status = enter();
  if (status != dnnl_success) return (int)status;
  dnnl_memory_desc_t from, to;
  dnnl_primitive_desc_t description = NULL;
  dnnl_primitive_t primitive = NULL;
  if ((status = plain_matrix(&from, k, n, transposed ? 1 : n, transposed ? k : 1, dnnl_bf16)) == dnnl_success &&
      (status = packed_matrix(&to, k, n, n)) == dnnl_success &&
      (status = dnnl_reorder_primitive_desc_create(&description, &from, engine, &to, engine, NULL)) == dnnl_success &&
      (status = dnnl_primitive_create(&primitive, description)) == dnnl_success) {
    const int roles[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
    const dnnl_memory_desc_t *layouts[] = {&from, &to};
    void *arrays[] = {(void *)plain, packed};
    status = run(primitive, 2, roles, layouts, arrays);
  }
  if (primitive) dnnl_primitive_destroy(primitive);
  if (description) dnnl_primitive_desc_destroy(description);
  return (int)status;
}
