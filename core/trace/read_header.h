// Reads a trace's header: model, prompt and recording plan.
#pragma once

#include "core/trace/h5_read.h"
#include "core/trace/records.h"

namespace kvatlas::trace {

struct OpenedHeader {
  TraceHeader header;
  bool complete = false;
};

// Error for another format, a newer version (naming both), a missing or misshapen member, or a value out of range.
[[nodiscard]] OpenedHeader readHeader(const h5::Source& source);

}  // namespace kvatlas::trace
