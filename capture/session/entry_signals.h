// Signals that the keys and values in a branch's cache give while it decodes.
#pragma once

#include "capture/session/branch_store.h"
#include "core/cache/redecider.h"
#include "core/policy/signal_parameters.h"

namespace kvatlas::capture {

// Of one branch with a list per KV head; the arguments live as long as the result.
[[nodiscard]] cache::EntrySignals entrySignals(const ModelConfig& config, BranchStore& store, std::size_t branch,
                                               const cache::HeldTokens& held,
                                               const policy::SignalParameters& parameters);

}  // namespace kvatlas::capture
