import CTensorKernels
import Glibc

/// A weight in nf4 with double quantisation, as bitsandbytes rounds it and expands it again.
///
/// "QLoRA" (Dettmers and others 2023). Blocks are 64 numbers of the whole matrix, row after row: each number is one of 16, which divide a normal distribution
/// into equal parts, times the block's largest. The largest numbers, less their mean, are rounded to 8 bits in blocks of
/// 256. Memory: 0.516 bytes a number.
package final class NF4Weight: StoredWeight {
  package let rows: Int
  package let columns: Int
  private let codes: StoredBytes
  private let scales: StoredBytes
  private let largest: Tensor
  /// The mean of the blocks' largest numbers.
  private let offset: Float

  package var formatName: String { "nf4" }
  package var storage: [StoredBytes] { [codes, scales] }

  private static let block = Int(TK_NF4_BLOCK)
  private static let scalesOfBlock = Int(TK_NF4_SCALES)

  /// Rounds a matrix [rows, columns].
  package init(rounding weight: Tensor, _ compute: Compute) {
    rows = weight.rows
    columns = weight.columns
    let blocks = (weight.count + Self.block - 1) / Self.block
    let codes = StoredBytes(uninitialized: blocks * Self.block / 2)
    let largestOfBlocks = Tensor(uninitialized: [blocks])
    compute.pieces(of: blocks, size: 256) { piece in
      let first = piece.lowerBound * Self.block
      tk_round_nf4(
        codes.pointer + first / 2, largestOfBlocks.pointer + piece.lowerBound, weight.pointer + first,
        min(piece.count * Self.block, weight.count - first))
    }
    let scales = StoredBytes(uninitialized: blocks)
    let largest = Tensor(uninitialized: [(blocks + Self.scalesOfBlock - 1) / Self.scalesOfBlock])
    var mean: Float = 0
    onElements {
      mean = Float(largestOfBlocks.buffer.reduce(0.0) { $0 + Double($1) } / Double(max(1, blocks)))
      for group in 0..<largest.count {
        let range = group * Self.scalesOfBlock..<min(blocks, (group + 1) * Self.scalesOfBlock)
        largest.pointer[group] = Self.roundScales(largestOfBlocks.pointer, range, less: mean, into: scales.pointer)
      }
    }
    self.codes = codes
    self.scales = scales
    self.largest = largest
    offset = mean
  }

  /// Rounds some scales to places in the map; gives the largest of them.
  private static func roundScales(
    _ values: UnsafeMutablePointer<Float>, _ range: Range<Int>, less mean: Float,
    into scales: UnsafeMutablePointer<UInt8>
  ) -> Float {
    let most = range.reduce(Float(0)) { max($0, abs(values[$1] - mean)) }
    let inverse = 1 / max(most, 1e-38)
    for index in range {
      let value = (values[index] - mean) * inverse
      // The first place whose middle to the next is not below the value.
      var (low, high) = (0, 255)
      while low < high {
        let place = (low + high) / 2
        if (map[place] + map[place + 1]) / 2 < value { low = place + 1 } else { high = place }
      }
      scales[index] = UInt8(low)
    }
    return most
  }

  /// The 256 numbers of the dynamic 8-bit format (Dettmers 2015, arXiv:1511.04561), ascending: seven powers of ten, each
  /// with twice the fractions of the one below, both signs, 0 and 1.
  package static let dynamicMap: [Float] = {
    var numbers: [Float] = [0, 1]
    for exponent in 0..<7 {
      let count = 1 << exponent
      // As torch.linspace spaces them: from both ends, with one rounding each.
      let step = (Float(1) - 0.1) / Float(count)
      func boundary(_ index: Int) -> Float {
        index < (count + 1) / 2
          ? Float(0.1).addingProduct(step, Float(index)) : Float(1).addingProduct(-step, Float(count - index))
      }
      let unit = Float(pow(10, Double(exponent - 6)))
      for index in 0..<count {
        let number = unit * ((boundary(index) + boundary(index + 1)) / 2)
        numbers += [number, -number]
      }
    }
    return numbers.sorted()
  }()

  // Written once and never given back.
  nonisolated(unsafe) private static let map: UnsafeMutablePointer<Float> = {
    let map = UnsafeMutablePointer<Float>.allocate(capacity: dynamicMap.count)
    for (index, number) in dynamicMap.enumerated() { map[index] = number }
    return map
  }()

  package func expand(
    row: Int, _ columns: Range<Int>, into numbers: UnsafeMutablePointer<Float>, _ kernels: UnsafePointer<tk_kernels>
  ) {
    var weight = tk_nf4(
      codes: codes.pointer, scales: scales.pointer, largest: largest.pointer, map: Self.map, offset: offset)
    var at = row * self.columns + columns.lowerBound
    let end = row * self.columns + columns.upperBound
    var target = numbers
    while at < end {
      let (block, from) = (at / Self.block, at % Self.block)
      let whole = from == 0 ? (end - at) / Self.block : 0
      let count = whole > 0 ? whole * Self.block : min(Self.block - from, end - at)
      if whole > 0 {
        kernels.pointee.expand_nf4(target, &weight, block, whole)
      } else {
        // A row need not start or end with a block.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.block) { part in
          guard let part = part.baseAddress else { return }
          kernels.pointee.expand_nf4(part, &weight, block, 1)
          target.update(from: part + from, count: count)
        }
      }
      at += count
      target += count
    }
  }
}
