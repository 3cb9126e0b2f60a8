// Measured signals as a trace stores them; knows arrays only, no file.
#pragma once

#include "core/trace/records.h"

namespace kvatlas::trace {

// Fills record.values and record.codes; signals that `values` lacks stay absent. threads: 0 for all processors.
void encodeSignals(const SignalValues& values, LayerRecord& record, unsigned threads);

}  // namespace kvatlas::trace
