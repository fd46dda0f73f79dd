// What a causal mask leaves of a product of attention's tiles; see tk_causal.
#ifndef CAUSAL_H
#define CAUSAL_H

#include "tensor_kernels.h"

// Elements along k that count.
typedef struct tk_range {
  size_t from, to;
} tk_range;

enum { tk_most_ranges = 32 };

// The first key that none of rows i to i + rows of the stacked groups sees.
static inline size_t tk_end_of_keys(const tk_causal *causal, size_t i, size_t rows, size_t keys) {
  // The last query of them sees most: the last row's, or a group's last where another group begins below it.
  size_t query = i % causal->rows + rows - 1;
  ptrdiff_t end = causal->limit + (ptrdiff_t)(query < causal->rows ? query : causal->rows - 1);
  return end < 0 ? 0 : (size_t)end < keys ? (size_t)end : keys;
}

// The parts of k that count for rows i to i + rows, at most tk_most_ranges; *n becomes the columns that do.
static inline size_t tk_seen(tk_range *ranges, const tk_causal *causal, size_t i, size_t rows, size_t k, size_t *n) {
  ranges[0] = (tk_range){0, k};
  if (!causal) return 1;
  if (causal->keys == tk_keys_are_rows) {
    size_t groups = k / causal->rows;
    if (groups > tk_most_ranges) return 1;
    ptrdiff_t blind = (ptrdiff_t)i - causal->limit + 1;
    size_t first_query = blind < 0 ? 0 : (size_t)blind < causal->rows ? (size_t)blind : causal->rows;
    for (size_t g = 0; g < groups; g++)
      ranges[g] = (tk_range){g * causal->rows + first_query, (g + 1) * causal->rows};
    return groups;
  }
  if (causal->keys == tk_keys_are_columns)
    *n = tk_end_of_keys(causal, i, rows, *n);
  else
    ranges[0].to = tk_end_of_keys(causal, i, rows, k);
  return 1;
}

#endif
