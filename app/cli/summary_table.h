// The result of a capture, as a text table and as JSON; must not know libtorch.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "capture/recorder/capture.h"

namespace kvatlas::app {

// `answer`: text that a right answer contains; empty: no judgement.
[[nodiscard]] std::string summaryTable(const capture::CaptureSummary& summary, const std::string& answer);
[[nodiscard]] nlohmann::json runsJson(const std::vector<capture::RunSummary>& runs);
[[nodiscard]] nlohmann::json summaryJson(const capture::CaptureSummary& summary, const std::string& answer);

}  // namespace kvatlas::app
