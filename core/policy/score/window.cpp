// Attention of the last W queries, pooled over neighbours (SnapKV, Li et al., arXiv:2404.14469).
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kKernelParameter, kPoolingParameter, kGroupParameter};

}  // namespace

ScorePart windowScore() {
  return {.name = "window",
          .meaning = "attention received from the last W queries, pooled over neighbours",
          .needs = {Signal::WindowSum},
          .parameters = kParameters,
          .score = pooledWindowScores};
}

}  // namespace kvatlas::policy
