// What is measured of a branch at each step of its decoding, handed on in blocks so that the memory of a long answer
// does not grow with it.
#pragma once

#include <functional>
#include <vector>

#include "capture/session/attended_tokens.h"
#include "core/base/mean.h"
#include "core/cache/held_tokens.h"
#include "core/trace/records.h"

namespace kvatlas::capture {

// Of S consecutive steps of one branch. Each part is empty where it is not measured.
struct StepRows {
  std::vector<cache::Eviction> evicted;  // since the rows before; step t: after the attention that chose token t
  std::vector<float> retained;           // [S, layers, query_heads]; NaN once full has stopped
  std::vector<float> oracle;             // [S, layers, query_heads]
  Attended attended;                     // [S, layers, query_heads, K]

  [[nodiscard]] bool empty() const { return retained.empty() && attended.positions.empty() && evicted.empty(); }
};

// Over all steps of a branch.
struct MeanMass {
  MeanOfMeasured retained, oracle;
};

// Receives trace::kStepBlock steps at a time, in order; the rest of a branch stays in its track.
using StepSink = std::function<void(std::size_t branch, StepRows rows)>;

}  // namespace kvatlas::capture
