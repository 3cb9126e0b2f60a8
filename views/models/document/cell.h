// One pair of a query and a key.
#pragma once

#include "core/base/ids.h"

namespace kvatlas::views {

struct Cell {
  TokenIndex query = 0, key = 0;
  friend constexpr bool operator==(Cell, Cell) = default;
};

}  // namespace kvatlas::views
