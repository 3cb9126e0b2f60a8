// `kvatlas info MODEL`: what a checkpoint is, and what computing it in bf16 changes on this machine.
#pragma once

#include <filesystem>

#include "capture/session/model_report.h"

namespace kvatlas::app {

// Whether a path names a checkpoint (a folder or a GGUF file) rather than a trace.
[[nodiscard]] bool isModel(const std::filesystem::path& path);

void printModel(const capture::ModelReportOptions& options, bool as_json);

}  // namespace kvatlas::app
