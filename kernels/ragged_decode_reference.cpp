#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/ragged_decode.h"

namespace kvatlas::kernels {

namespace {

void decodeRow(const DecodeSegment& segment, std::size_t row, std::size_t d, double scale) {
  std::vector<double> p(segment.length);
  for (std::size_t key = 0; key < segment.length; ++key) {
    double dot = 0;
    for (std::size_t k = 0; k < d; ++k) {
      dot += static_cast<double>(segment.query[row * d + k]) * static_cast<double>(segment.key[key * d + k]);
    }
    p[key] = dot * scale;
  }
  const double top = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& value : p) {
    value = std::exp(value - top);
    sum += value;
  }
  for (std::size_t k = 0; k < d; ++k) {
    double value = 0;
    for (std::size_t key = 0; key < segment.length; ++key) {
      value += p[key] / sum * static_cast<double>(segment.value[key * d + k]);
    }
    segment.output[row * d + k] = static_cast<float>(value);
  }
  if (segment.probabilities != nullptr) {
    for (std::size_t key = 0; key < segment.length; ++key) {
      segment.probabilities[row * segment.length + key] = static_cast<float>(p[key] / sum);
    }
  }
}

}  // namespace

void raggedDecodeAttentionReference(std::span<const DecodeSegment> segments, std::size_t head_dim, float scale) {
  for (const DecodeSegment& segment : segments) {
    for (std::size_t row = 0; row < segment.rows; ++row) {
      decodeRow(segment, row, head_dim, static_cast<double>(scale));
    }
  }
}

}  // namespace kvatlas::kernels
