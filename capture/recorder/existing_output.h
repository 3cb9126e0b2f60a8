// What a capture finds under the name of its output.
#pragma once

#include "capture/session/options.h"

namespace kvatlas::capture {

// `output`: options.output, or one of the traces that several questions make of it.
// UsageError: the output is an input of the capture (a prompt, a file of the model), or a file of that name would be
// replaced without options.replace; the message says what would be lost.
void requireFreeName(const CaptureOptions& options, const std::filesystem::path& output);

}  // namespace kvatlas::capture
