// The scores of an evaluation, as a table and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/results/reader.h"

namespace kvatlas::app {

// Method × budget, the full cache first; one table per value of the first text facet: kind, task, dataset.
[[nodiscard]] std::string scoreTable(const results::ResultsReader& results);
[[nodiscard]] nlohmann::json scoreJson(const results::ResultsReader& results);

}  // namespace kvatlas::app
