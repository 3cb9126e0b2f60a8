#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/attention_tile.h"

namespace kvatlas::kernels {

namespace {

void require(bool condition, const char* message) {
  if (!condition) {
    throw std::invalid_argument(message);
  }
}

double dot(FloatArray a, FloatArray b, std::size_t count) {
  double sum = 0;
  for (std::size_t k = 0; k < count; ++k) {
    sum += static_cast<double>(a[k]) * static_cast<double>(b[k]);
  }
  return sum;
}

double cellValue(TileValue value, double logit, const float* lse) {
  switch (value) {
    case TileValue::kProbability:
      return std::exp(logit - static_cast<double>(*lse));
    case TileValue::kLogProbability:
      return logit - static_cast<double>(*lse);
    case TileValue::kLogit:
      break;
  }
  return logit;
}

}  // namespace

void checkTile(const TileShape& shape, const TileInput& input, TileValue value, const float* output) {
  require(shape.queries.begin < shape.queries.end, "attention tile: the query range is empty");
  require(shape.keys.begin < shape.keys.end, "attention tile: the key range is empty");
  require(shape.head_dim > 0, "attention tile: head_dim must be positive");
  require(std::isfinite(shape.scale) && shape.scale > 0, "attention tile: scale must be positive and finite");
  require(!input.query.empty() && !input.key.empty(), "attention tile: query and key are required");
  require((input.query.f32() == nullptr) == (input.key.f32() == nullptr),
          "attention tile: query and key must have the same type");
  require(input.lse != nullptr || value == TileValue::kLogit, "attention tile: probabilities require the log-sum-exp");
  require(output != nullptr, "attention tile: an output is required");
}

TileReport attentionTileReference(const TileShape& shape, const TileInput& input, TileValue value, float* output) {
  checkTile(shape, input, value, output);
  for (std::size_t query = shape.queries.begin; query < shape.queries.end; ++query) {
    const std::size_t row = query - shape.queries.begin;
    if (value != TileValue::kLogit && !std::isfinite(input.lse[row])) {
      return {static_cast<std::ptrdiff_t>(query), -1};
    }
    for (std::size_t key = shape.keys.begin; key < shape.keys.end; ++key) {
      const bool visible = key <= query && key >= firstVisibleKey(query, shape.sliding_window);
      const std::size_t column = key - shape.keys.begin;
      float& cell = output[row * (shape.keys.end - shape.keys.begin) + column];
      cell = kMaskedCell;
      if (!visible) {
        continue;
      }
      const double product =
          dot(input.query.from(row * shape.head_dim), input.key.from(column * shape.head_dim), shape.head_dim);
      if (!std::isfinite(static_cast<float>(product))) {
        return {static_cast<std::ptrdiff_t>(query), static_cast<std::ptrdiff_t>(key)};
      }
      cell = static_cast<float>(cellValue(value, product * static_cast<double>(shape.scale), input.lse + row));
    }
  }
  return {};
}

}  // namespace kvatlas::kernels
