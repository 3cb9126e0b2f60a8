// Signals as a trace gives them back; knows arrays only, no file.
#pragma once

#include "core/signals/signals.h"

namespace kvatlas {

// Rounds the signals stored as log₂ codes to the nearest code. Methods decide on these, so that a decision repeated
// from a trace has the same input. threads: 0 for all processors.
void roundAsStored(SignalValues& values, unsigned threads);

}  // namespace kvatlas
