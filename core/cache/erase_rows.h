// Rows that lists give up.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/erase_rows.h"

namespace kvatlas::cache {

// Ascending: [layers, heads].
using ListRows = std::vector<std::vector<std::uint32_t>>;
using kvatlas::eraseRows;

}  // namespace kvatlas::cache
