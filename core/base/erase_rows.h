// Takes rows out of an array in place; what follows moves up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kvatlas {

// rows: ascending, of `row_size` values each. Rows beyond the array's end are none.
template <class Value>
void eraseRows(std::vector<Value>& values, std::span<const std::uint32_t> rows, std::size_t row_size = 1) {
  const std::size_t count = values.size() / row_size;
  rows = rows.first(static_cast<std::size_t>(std::ranges::lower_bound(rows, count) - rows.begin()));
  if (rows.empty()) return;
  auto to = values.begin() + static_cast<std::ptrdiff_t>(rows.front() * row_size);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t first = rows[i] + std::size_t{1}, last = i + 1 < rows.size() ? rows[i + 1] : count;
    to = std::move(values.begin() + static_cast<std::ptrdiff_t>(first * row_size),
                   values.begin() + static_cast<std::ptrdiff_t>(last * row_size), to);
  }
  values.erase(to, values.end());
}

}  // namespace kvatlas
