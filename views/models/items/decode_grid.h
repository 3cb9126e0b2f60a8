// The cache contents of a run at every generated token, as a matrix.
#pragma once

#include <span>

#include "views/models/document/head_choice.h"
#include "views/models/document/run_view.h"
#include "views/models/map/value_grid.h"

namespace kvatlas::views {

// Rows are generated tokens, columns bins of `bin` positions of prompt, question and generated text.
struct DecodeGrid {
  ValueGrid held;  // max over the bin's positions: the fraction of heads that cache it; kMasked: not generated yet
  std::size_t bin = 1;
  std::uint64_t positions = 0;  // tokens of prompt, question and generated text
};

// For the stored heads of `heads` in these layers, at most `most_columns` wide. Empty if nothing was generated.
[[nodiscard]] DecodeGrid decodeGrid(const RunView& view, std::span<const LayerIndex> layers, const HeadChoice& heads,
                                    std::size_t most_columns);
[[nodiscard]] DecodeGrid decodeGrid(const RunView& view, LayerIndex layer, const HeadChoice& heads,
                                    std::size_t most_columns);

}  // namespace kvatlas::views
