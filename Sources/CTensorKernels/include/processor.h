// What the pool of threads asks of the processor and of the system.
#ifndef PROCESSOR_H
#define PROCESSOR_H

#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>

// Whether the calling thread is working on a tile of a thread pool.
int tk_inside_tile(void);
void tk_set_inside_tile(int inside);
// Takes one from the semaphore: looks again and again for so many nanoseconds, and sleeps after that.
void tk_wait(sem_t *semaphore, int64_t polling);
// Whether this processor multiplies bf16 numbers in vectors (AVX512-BF16) or tiles (AMX).
int tk_has_bf16_products(void);
// Whether this processor multiplies bytes in vectors (AVX512-VNNI).
int tk_has_int8_products(void);
// The number of processors that this process may run on.
int tk_available_processors(void);
// The numbers of those processors, at most `capacity`; gives how many were written.
size_t tk_allowed_processors(int32_t *processors, size_t capacity);
// Makes the calling thread run on these processors only; 0 when that is done.
int tk_run_on(const int32_t *processors, size_t count);

#endif
