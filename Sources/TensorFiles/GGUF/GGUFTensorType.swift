/// How the elements of a GGUF tensor are stored: plain, or quantised in blocks.
///
/// Numbers and layouts: `enum ggml_type` and `ggml-common.h` of ggml.
package enum GGUFTensorType: UInt32, Sendable, Hashable, CaseIterable {
  case f32 = 0
  case f16 = 1
  case q40 = 2
  case q41 = 3
  case q50 = 6
  case q51 = 7
  case q80 = 8
  case q4K = 12
  case q5K = 13
  case q6K = 14
  case bf16 = 30
  case mxfp4 = 39

  /// The name that llama.cpp prints.
  package var name: String {
    switch self {
    case .f32: "F32"
    case .f16: "F16"
    case .bf16: "BF16"
    case .q40: "Q4_0"
    case .q41: "Q4_1"
    case .q50: "Q5_0"
    case .q51: "Q5_1"
    case .q80: "Q8_0"
    case .q4K: "Q4_K"
    case .q5K: "Q5_K"
    case .q6K: "Q6_K"
    case .mxfp4: "MXFP4"
    }
  }

  /// Elements in a block.
  package var blockLength: Int {
    switch self {
    case .f32, .f16, .bf16: 1
    case .q40, .q41, .q50, .q51, .q80, .mxfp4: 32
    case .q4K, .q5K, .q6K: 256
    }
  }

  /// Bytes a block takes.
  package var blockSize: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .mxfp4: 17
    case .q40: 18
    case .q41: 20
    case .q50: 22
    case .q51: 24
    case .q80: 34
    case .q4K: 144
    case .q5K: 176
    case .q6K: 210
    }
  }
}
