// Finds the name the user probably meant; knows only strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvatlas {

// ", did you mean 'snapkv'?" for the nearest known names, or "; known are a, b, c" when none is near.
[[nodiscard]] std::string suggestion(std::string_view given, const std::vector<std::string>& known);

}  // namespace kvatlas
