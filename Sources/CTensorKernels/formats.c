// Blocks are those of ggml-common.h (MIT, the ggml authors), whose layout files fix; numbers come out as from ggml's
// dequantize_row_*. nf4: Dettmers et al. 2023, "QLoRA", in the layout of bitsandbytes.
#include "formats.h"

#include <math.h>
#include <string.h>

static float half_at(const uint8_t *x) {
  uint16_t bits;
  float y;
  memcpy(&bits, x, sizeof bits);
  tk_scalar_kernels()->from_f16(&y, &bits, 1);
  return y;
}

void tk_scalar_expand_q8_0(float *y, const uint8_t *x, size_t blocks) {
  for (; blocks > 0; blocks--, x += 34, y += 32) {
    float d = half_at(x);
    for (int i = 0; i < 32; i++) y[i] = d * (float)(int8_t)x[2 + i];
  }
}

// Low halves of bytes are the first sixteen numbers of 32.
void tk_scalar_expand_q4_0(float *y, const uint8_t *x, size_t blocks) {
  for (; blocks > 0; blocks--, x += 18, y += 32) {
    float d = half_at(x);
    for (int i = 0; i < 16; i++) {
      y[i] = d * (float)((x[2 + i] & 15) - 8);
      y[i + 16] = d * (float)((x[2 + i] >> 4) - 8);
    }
  }
}

void tk_scalar_expand_q4_1(float *y, const uint8_t *x, size_t blocks) {
  for (; blocks > 0; blocks--, x += 20, y += 32) {
    float d = half_at(x), least = half_at(x + 2);
    for (int i = 0; i < 16; i++) {
      y[i] = d * (float)(x[4 + i] & 15) + least;
      y[i + 16] = d * (float)(x[4 + i] >> 4) + least;
    }
  }
}

// The fifth bits of 32 numbers stand together before their halves of bytes.
static int five_bits(const uint8_t *x, int i) {
  uint32_t fifth;
  memcpy(&fifth, x, sizeof fifth);
  int four = i < 16 ? x[4 + i] & 15 : x[4 + i - 16] >> 4;
  return four | (int)(fifth >> i & 1) << 4;
}

void tk_scalar_expand_q5_0(float *y, const uint8_t *x, size_t blocks) {
  for (; blocks > 0; blocks--, x += 22, y += 32) {
    float d = half_at(x);
    for (int i = 0; i < 32; i++) y[i] = d * (float)(five_bits(x + 2, i) - 16);
  }
}

void tk_scalar_expand_q5_1(float *y, const uint8_t *x, size_t blocks) {
  for (; blocks > 0; blocks--, x += 24, y += 32) {
    float d = half_at(x), least = half_at(x + 2);
    for (int i = 0; i < 32; i++) y[i] = d * (float)five_bits(x + 4, i) + least;
  }
}

const float tk_e2m1_numbers[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

void tk_scalar_expand_mxfp4(float *y, const uint8_t *x, size_t blocks) {
  for (; blocks > 0; blocks--, x += 17, y += 32) {
    float d = tk_mxfp4_scale(x);
    for (int i = 0; i < 16; i++) {
      y[i] = d * tk_e2m1_numbers[x[1 + i] & 15];
      y[i + 16] = d * tk_e2m1_numbers[x[1 + i] >> 4];
    }
  }
}

void tk_scalar_expand_q4_k(float *y, const uint8_t *x, size_t blocks) {
  for (; blocks > 0; blocks--, x += 144, y += 256) {
    float d = half_at(x), least = half_at(x + 2);
    for (int j = 0; j < 8; j++) {
      float scale = d * tk_k_pair(x + 4, j, 0), minimum = least * tk_k_pair(x + 4, j, 1);
      const uint8_t *bytes = x + 16 + j / 2 * 32;
      for (int i = 0; i < 32; i++) y[32 * j + i] = scale * (float)(bytes[i] >> j % 2 * 4 & 15) - minimum;
    }
  }
}

void tk_scalar_expand_q5_k(float *y, const uint8_t *x, size_t blocks) {
  for (; blocks > 0; blocks--, x += 176, y += 256) {
    float d = half_at(x), least = half_at(x + 2);
    for (int j = 0; j < 8; j++) {
      float scale = d * tk_k_pair(x + 4, j, 0), minimum = least * tk_k_pair(x + 4, j, 1);
      const uint8_t *fifth = x + 16, *bytes = x + 48 + j / 2 * 32;
      for (int i = 0; i < 32; i++) {
        int number = (bytes[i] >> j % 2 * 4 & 15) | (fifth[i] >> j & 1) << 4;
        y[32 * j + i] = scale * (float)number - minimum;
      }
    }
  }
}

void tk_scalar_expand_q6_k(float *y, const uint8_t *x, size_t blocks) {
  for (; blocks > 0; blocks--, x += 210, y += 256) {
    float d = half_at(x + 208);
    for (int i = 0; i < 256; i++) {
      int part = i / 128, quarter = i % 128 / 32, place = i % 32;
      int four = x[64 * part + quarter % 2 * 32 + place] >> quarter / 2 * 4 & 15;
      int two = x[128 + 32 * part + place] >> 2 * quarter & 3;
      y[i] = d * (float)(int8_t)x[192 + i / 16] * (float)((four | two << 4) - 32);
    }
  }
}

const float tk_nf4_numbers[16] = {
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
    -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
    0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
};

// Of two numbers in a byte the upper half is the first.
void tk_scalar_expand_nf4(float *y, const tk_nf4 *x, size_t first, size_t blocks) {
  for (size_t b = first; b < first + blocks; b++, y += TK_NF4_BLOCK) {
    float scale = tk_nf4_scale(x, b);
    const uint8_t *codes = x->codes + b * (TK_NF4_BLOCK / 2);
    for (int i = 0; i < TK_NF4_BLOCK; i++)
      y[i] = tk_nf4_numbers[i % 2 ? codes[i / 2] & 15 : codes[i / 2] >> 4] * scale;
  }
}

void tk_round_nf4(uint8_t *codes, float *largest, const float *x, size_t n) {
  float middle[15];
  for (int i = 0; i < 15; i++) middle[i] = (tk_nf4_numbers[i] + tk_nf4_numbers[i + 1]) / 2;
  for (size_t b = 0; b < n; b += TK_NF4_BLOCK, codes += TK_NF4_BLOCK / 2) {
    size_t count = n - b < TK_NF4_BLOCK ? n - b : TK_NF4_BLOCK;
    float most = 0;
    for (size_t i = 0; i < count; i++) most = fmaxf(most, fabsf(x[b + i]));
    *largest++ = most;
    float inverse = 1 / fmaxf(most, 1e-38f);
    uint8_t numbers[TK_NF4_BLOCK] = {0};
    for (size_t i = 0; i < count; i++) {
      float scaled = x[b + i] * inverse;
      uint8_t number = 0;
      for (int j = 0; j < 15; j++) number += scaled > middle[j];
      numbers[i] = number;
    }
    for (int i = 0; i < TK_NF4_BLOCK / 2; i++) codes[i] = (uint8_t)(numbers[2 * i] << 4 | numbers[2 * i + 1]);
  }
}

void tk_round_q8_0(uint8_t *y, const float *x, size_t n) {
  for (size_t b = 0; b < n; b += 32, y += 34) {
    size_t count = n - b < 32 ? n - b : 32;
    float most = 0;
    for (size_t i = 0; i < count; i++) most = fmaxf(most, fabsf(x[b + i]));
    float d = most / 127, inverse = d > 0 ? 1 / d : 0;
    uint16_t half;
    tk_scalar_kernels()->to_f16(&half, &d, 1);
    memcpy(y, &half, sizeof half);
    for (size_t i = 0; i < 32; i++) y[2 + i] = i < count ? (uint8_t)(int8_t)roundf(x[b + i] * inverse) : 0;
  }
}
