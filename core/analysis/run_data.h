// One run with the model and the prompt it belongs to, recorded or decided anew: what it keeps, head by head.
#pragma once

#include <cstdint>
#include <span>

#include "core/trace/records.h"

namespace kvatlas::analysis {

// Refers to what its owner holds: an owner that goes takes it along.
struct RunData {
  const trace::RunHeader& header;
  const trace::RunRecord& record;
  const trace::ModelInfo& model;
  std::uint64_t tokens = 0;  // of the prompt

  [[nodiscard]] std::uint32_t heads() const { return header.heads; }  // stored ones, per layer
  // Whether nothing was evicted; kept() is then empty because there is no list.
  [[nodiscard]] bool everything() const;
  // Ascending positions of a stored head. Empty outside the model.
  [[nodiscard]] std::span<const TokenIndex> kept(LayerIndex layer, std::size_t stored_head) const;
};

// Stored head of a run that serves a query head.
[[nodiscard]] std::size_t storedHead(const trace::RunHeader& run, const trace::ModelInfo& model,
                                     std::size_t query_head);

}  // namespace kvatlas::analysis
