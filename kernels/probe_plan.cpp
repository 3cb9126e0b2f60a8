#include "kernels/probe_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace kvatlas::kernels {

namespace {

constexpr std::size_t kBlockFloats = 65536;  // 256 KiB of packed keys
constexpr std::size_t kMostPartials = 128;   // segments × query heads

bool wantsMap(const ProbeOutput& output) {
  return output.map_mean != nullptr || output.map_max != nullptr;
}

void require(bool condition, const char* message) {
  if (!condition) {
    throw std::invalid_argument(message);
  }
}

}  // namespace

void checkProbe(const ProbeShape& shape, const ProbeInput& input, const ProbeOutput& output) {
  require(shape.query_heads > 0 && shape.kv_heads > 0, "attention probe: head counts must be positive");
  require(shape.query_heads % shape.kv_heads == 0, "attention probe: query_heads must be a multiple of kv_heads");
  require(shape.tokens > 0 && shape.head_dim > 0, "attention probe: tokens and head_dim must be positive");
  require(shape.window <= shape.tokens, "attention probe: window must not exceed tokens");
  require(std::isfinite(shape.scale) && shape.scale > 0, "attention probe: scale must be positive and finite");
  require(!input.query.empty() && !input.key.empty(), "attention probe: query and key are required");
  require((input.query.f32() == nullptr) == (input.key.f32() == nullptr),
          "attention probe: query and key must have the same type");
  require(!wantsMap(output) || std::has_single_bit(output.cell), "attention probe: cell must be a power of two");
}

ProbePlan planProbe(const ProbeShape& shape, const ProbeOutput& output) {
  ProbePlan plan;
  plan.block_keys = std::clamp(std::bit_floor(kBlockFloats / shape.head_dim), kPanelKeys, kMostBlockKeys);
  plan.span_keys = wantsMap(output) ? std::max(plan.block_keys, output.cell) : plan.block_keys;
  plan.spans = (shape.tokens + plan.span_keys - 1) / plan.span_keys;
  plan.segments = std::min(plan.spans, std::max<std::size_t>(1, kMostPartials / shape.query_heads));
  plan.flush_rows = wantsMap(output) ? std::min(output.cell, kMostFlushRows) : kMostFlushRows;
  return plan;
}

}  // namespace kvatlas::kernels
