// Whether a head's map pyramid is consistent with itself; part of validate().
#pragma once

#include <string>
#include <vector>

#include "core/trace/reader.h"

namespace kvatlas::trace {

struct MapProblem {
  std::string member, problem;  // "map/max/1", what is wrong
};

// Checks: nothing above the diagonal, mean ≤ max, the finest mean holds one unit of mass per query, each coarser cell
// is the maximum, or the mean over visible pairs, of its four. At most one problem per member.
[[nodiscard]] std::vector<MapProblem> checkMaps(const Reader& reader, LayerIndex layer, HeadIndex head,
                                                double tolerance);

}  // namespace kvatlas::trace
