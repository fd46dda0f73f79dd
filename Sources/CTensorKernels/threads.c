// What a thread pool asks of the system that Swift does not reach.
#define _GNU_SOURCE
#include <sched.h>

#include "tensor_kernels.h"

static _Thread_local int inside_tile = 0;

int tk_inside_tile(void) { return inside_tile; }

void tk_set_inside_tile(int inside) { inside_tile = inside; }

int tk_has_bf16_products(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16");
#else
  return 0;
#endif
}

int tk_available_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}
