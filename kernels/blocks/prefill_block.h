// One query head against one block of packed keys and values in prefill attention, compiled once per SIMD target.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/blocks/packed_values.h"
#include "kernels/blocks/probe_block.h"

namespace kvatlas::kernels {

// Adds keys [block_begin, key_end) to the rows of positions [row_begin, row_end). `packed` holds all keys of the head,
// so key_begin stays 0.
struct PrefillBlock : ScoreBlock {
  std::size_t block_begin = 0;  // a multiple of kPanelKeys
  std::size_t row_begin = 0;
  std::size_t row_end = 0;
  StripBuffer* strip = nullptr;
  const PackedValues* values = nullptr;
  // State of the rows, for all keys before the block; sum 0: none.
  float* top = nullptr;     // [rows] largest logit, unscaled
  float* sum = nullptr;     // [rows] Σ 2^y relative to it
  float* output = nullptr;  // [rows, values->columns()] Σ 2^y · value
};

void addPrefillBlock(const PrefillBlock& block);

// A strip's probabilities against the values of the same keys, for the processor's bf16 dot product.
struct PairProduct {
  const float* probabilities = nullptr;   // [panels][kStripRows][kPanelKeys]
  std::size_t keys = 0;                   // from the first panel's start
  const std::uint32_t* values = nullptr;  // PackedValues::pairRow of the first key
  std::size_t columns = 0;                // a multiple of kValueLanes
  const float* correction = nullptr;      // [rows] factors of the output so far
  std::size_t rows = 0;
  float* output = nullptr;  // [rows, columns]
};

// output = output · correction + bf16(probabilities) · values; only where hasBf16Dot().
void addPairProduct(const PairProduct& product);

}  // namespace kvatlas::kernels
