// Everything of a page but its maps, as the JSON that the page's script reads.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/page/page.h"

namespace kvatlas::page {

// All but what describeMaps() adds: prompt, spans, runs with what they keep in the chosen layers at the end of the
// prompt, answers, a value per head. Runs that the capture did not finish are left out. Error naming the file and the
// member.
[[nodiscard]] nlohmann::json pageData(const trace::Reader& reader, const PageContent& content);

// The level of the maps.
void describeMaps(nlohmann::json& data, const PageContent& content);

// JSON for a script element: no '<', bytes that are no UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string scriptText(const nlohmann::json& json);

}  // namespace kvatlas::page
