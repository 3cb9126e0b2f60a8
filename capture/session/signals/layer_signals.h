// Signals that are computed from one layer's queries, keys and values, where a method asks for them.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "capture/model/config.h"
#include "capture/model/observer.h"
#include "core/policy/signal_parameters.h"
#include "core/signals/signals.h"

namespace kvatlas::capture {

// What a cache holds while decoding, where that is not a whole prompt.
struct HeldRows {
  std::span<const std::uint64_t> positions;  // [lists, rows]
  std::uint64_t prompt_tokens = 0;
  std::uint32_t first_head = 0;  // the KV head of the first list
};

// [heads, N] f32 where the layer lies; N rows of each list with `held`, the newest query being the last one.
// `parameters`: those of policy::signalParameters(); std::logic_error for a signal of another source.
[[nodiscard]] at::Tensor layerSignal(Signal signal, const LayerAttention& attention, const ModelConfig& config,
                                     const policy::SignalParameters& parameters, const HeldRows* held = nullptr);

}  // namespace kvatlas::capture
