// Suggests the name that the user probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvatlas {

// ", did you mean 'snapkv'?" for the nearest known names, or "; known: a, b, c" if none is near.
[[nodiscard]] std::string suggestion(std::string_view given, const std::vector<std::string>& known);

}  // namespace kvatlas
