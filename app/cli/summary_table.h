// The result of a capture as a table for people and as JSON for scripts; knows no libtorch.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "capture/recorder/capture.h"

namespace kvatlas::app {

// `answer`: what a right text contains; empty: nothing is judged.
[[nodiscard]] std::string summaryTable(const capture::CaptureSummary& summary, const std::string& answer);
[[nodiscard]] nlohmann::json runsJson(const std::vector<capture::RunSummary>& runs);
[[nodiscard]] nlohmann::json summaryJson(const capture::CaptureSummary& summary, const std::string& answer);

}  // namespace kvatlas::app
