// Signals with the precision of a trace.
#pragma once

#include "core/signals/signals.h"

namespace kvatlas {

// Rounds signals that are stored as log₂ codes to the nearest code. Methods decide on these, so that repeating a
// decision from a trace has the same input. threads: 0 for all processors.
void roundAsStored(SignalValues& values, unsigned threads);

}  // namespace kvatlas
