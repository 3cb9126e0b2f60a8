// Signals that are computed from one layer's queries, keys and values, where a method asks for them.
#pragma once

#include <ATen/core/Tensor.h>

#include "capture/model/config.h"
#include "capture/model/observer.h"
#include "core/policy/signal_parameters.h"
#include "core/signals/signals.h"

namespace kvatlas::capture {

// [heads, N] f32 where the layer lies. `parameters`: those of policy::signalParameters(); std::logic_error for a signal
// of another source.
[[nodiscard]] at::Tensor layerSignal(Signal signal, const LayerAttention& attention, const ModelConfig& config,
                                     const policy::SignalParameters& parameters);

}  // namespace kvatlas::capture
