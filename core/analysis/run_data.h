// One run with its model and prompt, recorded or recomputed: what it keeps, head by head.
#pragma once

#include <cstdint>
#include <span>

#include "core/trace/records.h"

namespace kvatlas::analysis {

// A view: its owner must outlive it.
struct RunData {
  const trace::RunHeader& header;
  const trace::RunRecord& record;
  const trace::ModelInfo& model;
  std::uint64_t tokens = 0;  // prompt length

  [[nodiscard]] std::uint32_t heads() const { return header.heads; }  // stored heads per layer
  // Whether nothing was evicted; kept() is then empty because no list is stored.
  [[nodiscard]] bool everything() const;
  // Ascending positions of a stored head. Empty outside the model.
  [[nodiscard]] std::span<const TokenIndex> kept(LayerIndex layer, std::size_t stored_head) const;
};

// The stored head of a run that serves a query head.
[[nodiscard]] std::size_t storedHead(const trace::RunHeader& run, const trace::ModelInfo& model,
                                     std::size_t query_head);

}  // namespace kvatlas::analysis
