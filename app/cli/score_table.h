// The scores a needle run ends with, as a table and as JSON; knows folders of results.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/results/reader.h"

namespace kvatlas::app {

// Method × budget, the full cache first; one table for each kind of needle.
[[nodiscard]] std::string scoreTable(const results::ResultsReader& results);
[[nodiscard]] nlohmann::json scoreJson(const results::ResultsReader& results);

}  // namespace kvatlas::app
