// Checks that a head's map pyramid is consistent; part of validate().
#pragma once

#include <string>
#include <vector>

#include "core/trace/reader.h"

namespace kvatlas::trace {

struct MapProblem {
  std::string member, problem;  // "map/max/1", what is wrong
};

// Checks: nothing above the diagonal, mean ≤ max, the finest mean holds one unit of mass per query, each coarser cell
// is the maximum, or the mean over visible pairs, of its four. At most one problem per member. Computes what depends
// only on the length once for all heads.
class MapCheck {
 public:
  MapCheck(const Reader& reader, double tolerance);
  [[nodiscard]] std::vector<MapProblem> check(LayerIndex layer, HeadIndex head) const;

 private:
  const Reader& m_reader;
  double m_tolerance;
  std::vector<std::vector<float>> m_pairs;  // visible pairs of every cell of every level
};

}  // namespace kvatlas::trace
