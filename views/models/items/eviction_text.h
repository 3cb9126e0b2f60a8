// Says who was evicted, when and why, while a run decoded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "views/models/document/head_choice.h"
#include "views/models/document/run_view.h"

namespace kvatlas::views {

// Why a method evicts while decoding: "lowest score", or "left the window" for a method without scores.
[[nodiscard]] std::string evictionReason(const RunView& view);

// What became of a position in the stored heads of one layer up to a generated token: "2 of 3 heads evicted it at the
// end of the prompt, 1 after token 5 (lowest score)". Empty if all of them hold it.
[[nodiscard]] std::string evictionStory(const RunView& view, LayerIndex layer, const HeadChoice& heads,
                                        std::uint64_t position, std::uint32_t step);

// A position and the number of lists, over all layers, that gave it up.
struct EvictedPosition {
  TokenIndex position = 0;
  std::size_t lists = 0;
};
// After a generated token: most lists first, then ascending.
[[nodiscard]] std::vector<EvictedPosition> evictedAt(const RunView& view, std::uint32_t step);

}  // namespace kvatlas::views
