// What a thread pool asks of the system that Swift does not reach.
#define _GNU_SOURCE
#include <sched.h>

#include "tensor_kernels.h"

static _Thread_local int inside_tile = 0;

int tk_inside_tile(void) { return inside_tile; }

void tk_set_inside_tile(int inside) { inside_tile = inside; }

int tk_available_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}
