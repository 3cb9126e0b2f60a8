// PyramidKV (Cai et al., arXiv:2406.02069): SnapKV's score with budgets that shrink from the first layer to the last.
#include "core/policy/parameters.h"
#include "core/policy/pyramid.h"
#include "core/policy/scoring.h"
#include "core/policy/selection.h"
#include "core/policy/table.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kKernelParameter,
                                         kPoolingParameter,
                                         kGroupParameter,
                                         {.name = "beta",
                                          .values = "a number from 1 to 1000",
                                          .default_value = "20",
                                          .paper_value = "20",
                                          .meaning = "steepness: the last layer gets about 1/beta of the mean",
                                          .kind = ParameterKind::Number,
                                          .lowest = 1,
                                          .highest = 1000,
                                          .changes_score = false}};

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores> scores) {
  if (setting.budget >= setting.shape.tokens) return allocateUniform(setting, scores);
  const PyramidShape shape{.layers = setting.shape.layers,
                           .tokens = setting.shape.tokens,
                           .window = setting.window,
                           .budget = setting.budget,
                           .beta = numberParameter(setting, "beta")};
  const auto per_layer = setting.preset == Preset::Exact ? exactPyramid(shape) : publishedPyramid(shape);
  std::vector<std::uint32_t> capacity;
  capacity.reserve(per_layer.size() * setting.heads());
  for (const std::uint32_t kept : per_layer) capacity.insert(capacity.end(), setting.heads(), kept);
  return capacity;
}

}  // namespace

Method pyramidkvMethod() {
  return {.name = "pyramidkv",
          .title = "PyramidKV",
          .paper = "arXiv:2406.02069",
          .needs = {Signal::WindowSum},
          .parameters = kParameters,
          .score = pooledWindowScores,
          .score_name = "pooled window_sum",
          .allocate = allocate,
          .select = selectTopAndWindow,
          .selects_by_rank = true};
}

}  // namespace kvatlas::policy
