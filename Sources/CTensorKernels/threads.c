// What a thread pool asks of the system that Swift does not reach.
#define _GNU_SOURCE
#include <sched.h>
#include <time.h>

#include "processor.h"

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

size_t tk_allowed_processors(int32_t *processors, size_t capacity) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  size_t count = 0;
  for (int processor = 0; processor < CPU_SETSIZE && count < capacity; processor++)
    if (CPU_ISSET(processor, &set)) processors[count++] = processor;
  return count;
}

int tk_run_on(const int32_t *processors, size_t count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t i = 0; i < count; i++)
    if (processors[i] >= 0 && processors[i] < CPU_SETSIZE) CPU_SET(processors[i], &set);
  return sched_setaffinity(0, sizeof set, &set);
}

// Tells the processor that this thread polls, so that a sibling on the same core has the rest of it.
static inline void pause_polling(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void tk_wait(sem_t *semaphore, int64_t polling) {
  if (polling > 0) {
    int64_t end = nanoseconds_now() + polling;
    do {
      for (int i = 0; i < 16; i++) {
        if (sem_trywait(semaphore) == 0) return;
        pause_polling();
      }
    } while (nanoseconds_now() < end);
  }
  while (sem_wait(semaphore) != 0) {}
}
