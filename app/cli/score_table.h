// The scores of an evaluation, as a table and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/results/reader.h"

namespace kvatlas::app {

// Method × budget, the full cache first; of a needle run one table per kind, of a benchmark the averages and all sets.
[[nodiscard]] std::string scoreTable(const results::ResultsReader& results);
[[nodiscard]] nlohmann::json scoreJson(const results::ResultsReader& results);

}  // namespace kvatlas::app
