// Any rectangle of one head's attention, exact, from queries, keys and the rows' log-sum-exp, as raw pointers and
// shapes.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels/float_array.h"
#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {

enum class TileValue { kProbability, kLogit /* scaled */, kLogProbability /* nats */ };

// Masked cells (the query does not see the key) hold NaN, which no visible cell can hold.
inline constexpr float kMaskedCell = std::numeric_limits<float>::quiet_NaN();
[[nodiscard]] inline bool isMasked(float cell) {
  return std::isnan(cell);
}

// Positions count from the start of the sequence; visibility as in ProbeShape.
struct TileShape {
  TokenRange queries;
  TokenRange keys;
  std::size_t head_dim = 0;
  std::size_t sliding_window = 0;  // 0: none
  float scale = 0;                 // usually 1/√d
};

// Rows of the two ranges only. Query and key have the same type, f32 or bf16 bits.
struct TileInput {
  FloatArray query;            // [queries, d], after RoPE
  FloatArray key;              // [keys, d], after RoPE
  const float* lse = nullptr;  // [queries] natural log-sum-exp over all visible keys; may be null for logits
};

// The first cell, in query order, with a NaN or infinite logit; bad_key −1: the row's log-sum-exp is not finite.
struct TileReport {
  std::ptrdiff_t bad_query = -1;
  std::ptrdiff_t bad_key = -1;
  [[nodiscard]] bool ok() const { return bad_query < 0; }
};

// output [queries, keys]. Probabilities below 2^-126 are 0; their log-probabilities stay finite. Output is undefined
// unless the report is ok. The result does not depend on `threads` (0: all processors). Throws std::invalid_argument
// for invalid shapes.
TileReport attentionTile(const TileShape& shape, const TileInput& input, TileValue value, float* output,
                         unsigned threads = 1);

// The same contract in double precision: the oracle for tests.
TileReport attentionTileReference(const TileShape& shape, const TileInput& input, TileValue value, float* output);

// Throws std::invalid_argument naming the field.
void checkTile(const TileShape& shape, const TileInput& input, TileValue value, const float* output);

}  // namespace kvatlas::kernels
