// Words and colour bar of figures that show attention maps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/ids.h"
#include "views/models/figures/figure_spec.h"
#include "views/plots/figures/colour_bar.h"

namespace kvatlas::views {

// "mean over 8 query heads", "query head 5"
[[nodiscard]] std::string headPhrase(std::optional<HeadIndex> head, std::uint32_t query_heads);
[[nodiscard]] std::string cellPhrase(std::uint64_t cell, trace::Reduction reduction);
// What the bar cannot show: "colours saturate at 0.01", "black: exactly 0"; may be empty.
[[nodiscard]] std::string scaleNote(const FigureSpec& spec);
[[nodiscard]] ColourBar mapColourBar(const FigureSpec& spec);

}  // namespace kvatlas::views
