// How two maps, or the kept sets of two runs, are shown together.
#pragma once

#include <cstdint>

namespace kvatlas::views {

enum class PictureSides : std::uint8_t {
  OnlyA,
  OnlyB,       // blinking alternates A and B
  Split,       // A below the diagonal, B mirrored above it
  Difference,  // A − B; for two runs on one map: which run keeps each key
  Ratio,       // log₂(A / B)
};

}  // namespace kvatlas::views
