// A (query, key) pair, and a range of tokens.
#pragma once

#include "core/base/ids.h"

namespace kvatlas::views {

struct Cell {
  TokenIndex query = 0, key = 0;
  friend constexpr bool operator==(Cell, Cell) = default;
};

struct TokenRange {
  TokenIndex begin = 0, end = 0;  // [begin, end)
  friend constexpr bool operator==(TokenRange, TokenRange) = default;
};

}  // namespace kvatlas::views
