#include "core/analysis/run_data.h"

#include <algorithm>

namespace kvatlas::analysis {

bool RunData::everything() const {
  return record.kept_positions.empty() && !record.kept_offsets.empty() && record.kept_offsets.back() > 0;
}

std::span<const TokenIndex> RunData::kept(LayerIndex layer, std::size_t stored_head) const {
  if (stored_head >= heads() || everything()) return {};
  return record.kept(std::size_t{layer.value} * heads() + stored_head);
}

std::size_t storedHead(const trace::RunHeader& run, const trace::ModelInfo& model, std::size_t query_head) {
  return query_head / (model.query_heads / std::max(1U, run.heads));
}

}  // namespace kvatlas::analysis
