// A per-token signal of the selected heads; runs on the reading thread.
#pragma once

#include <optional>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/document/head_choice.h"

namespace kvatlas::views {

// [N], aggregated over the heads of the choice; empty if it was not captured.
[[nodiscard]] std::vector<float> signalRow(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice,
                                           trace::Signal signal);

// Reads the value of one token only.
[[nodiscard]] std::optional<float> signalAt(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice,
                                            trace::Signal signal, TokenIndex token);

// 1 for the largest; ties share the best rank.
[[nodiscard]] std::size_t rankOf(const std::vector<float>& values, std::size_t at);

}  // namespace kvatlas::views
