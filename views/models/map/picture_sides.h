// How two maps, or the kept sets of two runs, are shown at once; knows nothing else.
#pragma once

#include <cstdint>

namespace kvatlas::views {

enum class PictureSides : std::uint8_t {
  OnlyA,
  OnlyB,       // also what blinking shows every other time
  Split,       // A below the diagonal, B mirrored above it
  Difference,  // A − B; of two runs over one map: which of them keeps each key
  Ratio,       // log₂(A / B)
};

}  // namespace kvatlas::views
