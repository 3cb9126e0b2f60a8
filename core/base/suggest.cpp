#include "core/base/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace kvatlas {
namespace {

// Levenshtein distance, one row at a time.
std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string suggestion(std::string_view given, const std::vector<std::string>& known) {
  std::vector<std::string> near;
  for (const std::string& name : known) {
    const bool prefix = given.size() >= 2 && name.starts_with(given);
    if (prefix || editDistance(given, name) <= std::max<std::size_t>(1, name.size() / 3))
      near.push_back(fmt::format("'{}'", name));
  }
  if (!near.empty()) return fmt::format(", did you mean {}?", fmt::join(near, " or "));
  return fmt::format("; known: {}", fmt::join(known, ", "));
}

}  // namespace kvatlas
