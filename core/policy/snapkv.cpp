// SnapKV (Li et al., arXiv:2404.14469): what the last W queries look at, pooled over neighbours, plus those W tokens.
#include "core/policy/parameters.h"
#include "core/policy/scoring.h"
#include "core/policy/selection.h"
#include "core/policy/table.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kKernelParameter, kPoolingParameter, kGroupParameter};

}  // namespace

Method snapkvMethod() {
  return {.name = "snapkv",
          .title = "SnapKV",
          .paper = "arXiv:2404.14469",
          .needs = {Signal::WindowSum},
          .parameters = kParameters,
          .score = pooledWindowScores,
          .score_name = "pooled window_sum",
          .allocate = allocateUniform,
          .select = selectTopAndWindow,
          .selects_by_rank = true};
}

}  // namespace kvatlas::policy
