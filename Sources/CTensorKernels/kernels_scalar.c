// The reference version of every kernel: plain loops to be read. See tensor_kernels.h.
#include <math.h>
#include <string.h>

#include "formats.h"
#include "packing.h"
#include "tensor_kernels.h"

// In an order in which each finds what it uses.
#include "scalar/vectors.inc"
#include "scalar/products.inc"
#include "scalar/norm.inc"
#include "scalar/rotary.inc"
#include "scalar/softmax.inc"
#include "scalar/gates.inc"
#include "scalar/vocabulary.inc"
#include "scalar/dropout.inc"
#include "scalar/adamw.inc"
#include "scalar/numbers.inc"

static const tk_kernels kernels = {
    .name = "scalar",
    .exp = exp_scalar,
    .add = add,
    .axpy = axpy,
    .scale = scale,
    .dot = dot,
    .sum_squares = sum_squares,
    .matrix_vector = matrix_vector,
    .lora_dots = lora_dots,
    .lora_add = lora_add,
    .lora_gather = lora_gather,
    .outer_products = outer_products,
    .panel_product = panel_product,
    .float_tile_product = float_tile_product,
    .float_rows_product = float_rows_product,
    .bf16_tile_product = bf16_tile_product,
    .bf16_rows_product = bf16_rows_product,
    .quantize_int8 = quantize_int8,
    .int8_product = int8_product,
    .quantize_int16 = quantize_int16,
    .int16_product = int16_product,
    .rms_norm = rms_norm,
    .rms_norm_backward = rms_norm_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .rotate = rotate,
    .rotate_pairs = rotate_pairs,
    .softmax_rows = softmax_rows,
    .probability_rows = probability_rows,
    .score_gradient_rows = score_gradient_rows,
    .soft_cap = soft_cap,
    .scale_rows = scale_rows,
    .gated_silu = gated_silu,
    .gated_gelu = gated_gelu,
    .gated_silu_backward = gated_silu_backward,
    .gated_gelu_backward = gated_gelu_backward,
    .gated_gelu_erf = gated_gelu_erf,
    .gated_gelu_erf_backward = gated_gelu_erf_backward,
    .gated_clamped = gated_clamped,
    .gated_clamped_backward = gated_clamped_backward,
    .silu = silu,
    .silu_backward = silu_backward,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .gelu_erf = gelu_erf,
    .gelu_erf_backward = gelu_erf_backward,
    .relu = relu,
    .relu_backward = relu_backward,
    .relu_squared = relu_squared,
    .relu_squared_backward = relu_squared_backward,
    .exp_row = exp_row,
    .columns_above = columns_above,
    .gather = gather,
    .dropout = dropout,
    .dropout_add = dropout_add,
    .adamw = adamw,
    .to_bf16 = to_bf16,
    .from_bf16 = from_bf16,
    .to_f16 = to_f16,
    .from_f16 = from_f16,
    .expand_q8_0 = tk_scalar_expand_q8_0,
    .expand_q4_0 = tk_scalar_expand_q4_0,
    .expand_q4_1 = tk_scalar_expand_q4_1,
    .expand_q5_0 = tk_scalar_expand_q5_0,
    .expand_q5_1 = tk_scalar_expand_q5_1,
    .expand_mxfp4 = tk_scalar_expand_mxfp4,
    .expand_q4_k = tk_scalar_expand_q4_k,
    .expand_q5_k = tk_scalar_expand_q5_k,
    .expand_q6_k = tk_scalar_expand_q6_k,
    .expand_nf4 = tk_scalar_expand_nf4,
};

const tk_kernels *tk_scalar_kernels(void) { return &kernels; }
