// Reads what a trace says about itself: model, prompt, what was planned to be recorded. Knows no attention data.
#pragma once

#include "core/trace/h5_read.h"
#include "core/trace/records.h"

namespace kvatlas::trace {

struct OpenedHeader {
  TraceHeader header;
  bool complete = false;
};

// Error for another format, a newer version (naming both), a member that is missing, misshapen or out of range.
[[nodiscard]] OpenedHeader readHeader(const h5::Source& source);

}  // namespace kvatlas::trace
