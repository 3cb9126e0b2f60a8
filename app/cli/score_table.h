// The scores an evaluation ends with, as a table and as JSON; knows folders of results.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/results/reader.h"

namespace kvatlas::app {

// Method × budget, the full cache first; one table for each value of the first facet of texts: kind, task, dataset.
[[nodiscard]] std::string scoreTable(const results::ResultsReader& results);
[[nodiscard]] nlohmann::json scoreJson(const results::ResultsReader& results);

}  // namespace kvatlas::app
