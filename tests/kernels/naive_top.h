// The largest entries of a row by a stable sort, and rows with many ties.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "kernels/top_entries.h"

namespace kvatlas::kernels {

inline std::vector<TopEntry> naiveTop(std::span<const float> row, std::size_t k) {
  std::vector<TopEntry> all;
  const bool finite = std::ranges::all_of(row, [](float value) { return std::isfinite(value); });
  for (std::size_t i = 0; finite && i < row.size(); ++i) all.push_back({row[i], static_cast<std::uint32_t>(i)});
  std::ranges::stable_sort(all, [](const TopEntry& a, const TopEntry& b) { return a.value > b.value; });
  all.resize(k);
  return all;
}

// `different` values at random places; 0: rising, so that the last columns are the largest.
inline std::vector<float> rowWithTies(std::size_t length, unsigned different, unsigned seed = 3) {
  std::mt19937 random(seed);
  std::vector<float> row(length);
  for (std::size_t i = 0; i < length; ++i)
    row[i] = different == 0 ? static_cast<float>(i) : static_cast<float>(random() % different) / 64.0F;
  return row;
}

}  // namespace kvatlas::kernels
