#include "packed_products.h"

#include <dnnl.h>
#include <pthread.h>
#include <stdlib.h>

// Of libgomp, which oneDNN stands on: how many threads its parallel loops take in the calling thread.
void omp_set_num_threads(int count);

struct packed_product {
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

static dnnl_data_type_t type_of(packed_type type) { return type == packed_bf16 ? dnnl_bf16 : dnnl_f32; }

// 16 rows (pairs of them in bfloat16) deep, blocks of 64 columns or what is enough for fewer: what the kernels of oneDNN
// 2.6 choose themselves for AVX-512, AVX512-BF16 and AMX. Fixed here, because it must be one for all numbers of rows of
// x. `whole` is the number of columns that were packed together, `n` those of them that are meant.
static dnnl_status_t packed_matrix(dnnl_memory_desc_t *made, packed_type type, size_t k, size_t n, size_t whole) {
  dnnl_dims_t extents = {(dnnl_dim_t)k, (dnnl_dim_t)n};
  static const dnnl_format_tag_t tags[2][4] = {
      {dnnl_BA16a16b, dnnl_BA16a32b, dnnl_BA16a48b, dnnl_BA16a64b},
      {dnnl_BA16a16b2a, dnnl_BA16a32b2a, dnnl_BA16a48b2a, dnnl_BA16a64b2a},
  };
  size_t blocks = whole > 48 ? 3 : whole > 32 ? 2 : whole > 16 ? 1 : 0;
  return dnnl_memory_desc_init_by_tag(made, 2, extents, type_of(type), tags[type == packed_bf16][blocks]);
}

int packed_product_make(packed_product **made, packed_type type, size_t rows, size_t k, size_t n, size_t whole,
                        int accumulates) {
  dnnl_status_t status = enter();
  if (status != dnnl_success) return (int)status;
  packed_product *product = calloc(1, sizeof *product);
  if (!product) return (int)dnnl_out_of_memory;
  dnnl_matmul_desc_t operation;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t after = NULL;
  dnnl_primitive_desc_t description = NULL;
  if ((status = plain_matrix(&product->x, rows, k, k, 1, type_of(type))) == dnnl_success &&
      (status = plain_matrix(&product->y, rows, n, n, 1, dnnl_f32)) == dnnl_success &&
      (status = packed_matrix(&product->m, type, k, n, whole)) == dnnl_success &&
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

size_t packed_product_scratch(const packed_product *product) { return dnnl_memory_desc_get_size(&product->scratch); }

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

int packed_product_run(const packed_product *product, const void *x, const void *m, float *y, void *scratch) {
  dnnl_status_t status = enter();
  if (status != dnnl_success) return (int)status;
  const int roles[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
  const dnnl_memory_desc_t *layouts[] = {&product->x, &product->m, &product->y, &product->scratch};
  void *arrays[] = {(void *)x, (void *)m, y, scratch};
  return (int)run(product->primitive, 4, roles, layouts, arrays);
}

size_t packed_bytes(packed_type type, size_t k, size_t n) {
  dnnl_memory_desc_t layout;
  return packed_matrix(&layout, type, k, n, n) == dnnl_success ? dnnl_memory_desc_get_size(&layout) : 0;
}

static dnnl_status_t reorder(const dnnl_memory_desc_t *from, const void *source, const dnnl_memory_desc_t *to,
                             void *target) {
  dnnl_primitive_desc_t description = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status;
  if ((status = dnnl_reorder_primitive_desc_create(&description, from, engine, to, engine, NULL)) == dnnl_success &&
      (status = dnnl_primitive_create(&primitive, description)) == dnnl_success) {
    const int roles[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
    const dnnl_memory_desc_t *layouts[] = {from, to};
    void *arrays[] = {(void *)source, target};
    status = run(primitive, 2, roles, layouts, arrays);
  }
  if (primitive) dnnl_primitive_destroy(primitive);
  if (description) dnnl_primitive_desc_destroy(description);
  return status;
}

int packed_pack(void *packed, packed_type type, const void *plain, size_t k, size_t n, int transposed) {
  dnnl_status_t status = enter();
  dnnl_memory_desc_t from, to;
  if (status == dnnl_success)
    status = plain_matrix(&from, k, n, transposed ? 1 : n, transposed ? k : 1, type_of(type));
  if (status == dnnl_success) status = packed_matrix(&to, type, k, n, n);
  return (int)(status == dnnl_success ? reorder(&from, plain, &to, packed) : status);
}

int packed_unpack(void *plain, size_t down, size_t across, packed_type type, const void *packed, size_t k, size_t n) {
  dnnl_status_t status = enter();
  dnnl_memory_desc_t from, to;
  if (status == dnnl_success) status = packed_matrix(&from, type, k, n, n);
  if (status == dnnl_success) status = plain_matrix(&to, k, n, down, across, type_of(type));
  return (int)(status == dnnl_success ? reorder(&from, packed, &to, plain) : status);
}

int packed_level(void) {
  unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
  const unsigned levels[] = {dnnl_cpu_isa_avx512_core, dnnl_cpu_isa_avx512_core_bf16, dnnl_cpu_isa_avx512_core_amx};
  int level = 0;
  while (level < 3 && (isa & levels[level]) == levels[level]) level++;
  return level;
}

void packed_library_version(int version[3]) {
  const dnnl_version_t *loaded = dnnl_version();
  version[0] = loaded->major;
  version[1] = loaded->minor;
  version[2] = loaded->patch;
}
