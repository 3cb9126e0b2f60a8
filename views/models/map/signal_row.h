// A per-token signal of the head or heads that are looked at; runs on the reading thread.
#pragma once

#include <optional>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/document/head_choice.h"

namespace kvatlas::views {

// [N], joined over the heads of the choice; empty where it was not captured.
[[nodiscard]] std::vector<float> signalRow(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice,
                                           trace::Signal signal);

// Of one token alone: the rest of the row is not read.
[[nodiscard]] std::optional<float> signalAt(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice,
                                            trace::Signal signal, TokenIndex token);

// 1 for the largest; equal values share the better rank.
[[nodiscard]] std::size_t rankOf(const std::vector<float>& values, std::size_t at);

}  // namespace kvatlas::views
