import CTensorKernels
import Tensors
import Testing

/// Products of attention's tiles that leave out what the causal mask hides.
@Suite struct CausalTileTests {
  /// What a tile leaves out changes nothing of what counts, from "nobody sees anything" to "all see all".
  @Test(
    arguments: [(64, 64, 3), (33, 50, 2), (1, 64, 1), (7, 16, 3), (64, 1, 1), (100, 90, 5)], [-70, -3, 0, 1, 20, 64])
  func whatIsLeftOutDoesNotCount(shape: (queries: Int, keys: Int, groups: Int), limit: Int) {
    let (stacked, keys, width) = (shape.queries * shape.groups, shape.keys, 24)
    func sees(_ query: Int, _ key: Int) -> Bool { key < limit + query % shape.queries }
    let queries = randomTensor([stacked, width], seed: 1)
    let values = randomTensor([keys, width], seed: 2)
    let weights = randomTensor([stacked, keys], seed: 3)
    for query in 0..<stacked {
      for key in 0..<keys where !sees(query, key) { weights.pointer[query * keys + key] = 0 }
    }
    let longest = max(stacked, keys)
    let scratch = Tensor(
      uninitialized: [max(tk_tile_scratch(longest, max(keys, width), longest), longest * Int(TK_TILE_COLUMNS))])
    for set in KernelSet.available {
      let kernels = set.functions.pointee
      for (name, multiply) in [("halves", kernels.bf16_tile_product), ("floats", kernels.float_tile_product)] {
        func product(
          _ kind: tk_keys?, _ a: Tensor, transposedA: Bool = false, _ b: Tensor, transposedB: Bool = false, m: Int,
          n: Int,
          k: Int
        ) -> [Float] {
          let c = Tensor(shape: [m, n])
          c.pointer.update(repeating: 9, count: m * n)
          var causal = tk_causal(keys: kind ?? tk_keys_are_columns, rows: shape.queries, limit: limit)
          withUnsafePointer(to: &causal) { causal in
            multiply?(
              c.pointer, n, a.pointer, a.columns, transposedA ? 1 : 0, b.pointer, b.columns, transposedB ? 1 : 0, m, n,
              k, 0,
              kind == nil ? nil : causal, scratch.pointer)
          }
          return c.values
        }
        let all = product(nil, queries, values, transposedB: true, m: stacked, n: keys, k: width)
        let some = product(tk_keys_are_columns, queries, values, transposedB: true, m: stacked, n: keys, k: width)
        for query in 0..<stacked {
          for key in 0..<keys {
            let place = query * keys + key
            #expect(sees(query, key) ? some[place] == all[place] : some[place] == all[place] || some[place] == 0)
          }
        }
        #expect(
          product(tk_keys_are_inner, weights, values, m: stacked, n: width, k: keys)
            == product(nil, weights, values, m: stacked, n: width, k: keys), "\(set.name), \(name)")
        #expect(
          product(tk_keys_are_rows, weights, transposedA: true, queries, m: keys, n: width, k: stacked)
            == product(nil, weights, transposedA: true, queries, m: keys, n: width, k: stacked), "\(set.name), \(name)")
      }
    }
  }
}
