#include "core/analysis/run_data.h"

#include <algorithm>

namespace kvatlas::analysis {

bool RunData::everything() const {
  return record.kept_positions.empty() && !record.kept_offsets.empty() && record.kept_offsets.back() > 0;
}

std::span<const TokenIndex> RunData::kept(LayerIndex layer, std::size_t stored_head) const {
  const auto& offsets = record.kept_offsets;
  const std::size_t row = std::size_t{layer.value} * heads() + stored_head;
  if (stored_head >= heads() || row + 1 >= offsets.size() || everything()) return {};
  const std::span all(record.kept_positions);
  if (offsets[row] > offsets[row + 1] || offsets[row + 1] > all.size()) return {};
  return all.subspan(offsets[row], offsets[row + 1] - offsets[row]);
}

std::size_t storedHead(const trace::RunHeader& run, const trace::ModelInfo& model, std::size_t query_head) {
  return query_head / (model.query_heads / std::max(1U, run.heads));
}

}  // namespace kvatlas::analysis
