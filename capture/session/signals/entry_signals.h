// Signals that the keys and values in a branch's cache give while it decodes.
#pragma once

#include <functional>

#include "capture/session/branch_store.h"
#include "core/cache/redecider.h"
#include "core/policy/signal_parameters.h"

namespace kvatlas::capture {

// [query_heads, d] of a branch's newest token in a layer.
using NewestQuery = std::function<at::Tensor(LayerIndex)>;

// Of one branch with a list per KV head; the arguments live as long as the result.
[[nodiscard]] cache::EntrySignals entrySignals(const Decoder& decoder, BranchStore& store, std::size_t branch,
                                               const cache::HeldTokens& held,
                                               const policy::SignalParameters& parameters, const NewestQuery& query);

}  // namespace kvatlas::capture
