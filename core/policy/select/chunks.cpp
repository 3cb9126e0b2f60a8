// Whole chunks of neighbouring tokens, the same for all heads of a layer (ChunkKV, Liu et al., arXiv:2502.00299): each
// token gets its chunk's mean score, summed over the heads. Equal scores keep their order, so a chunk is filled from
// its front before the next one begins.
#include <algorithm>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "length",
                                          .values = "a whole number from 1 to 65536",
                                          .default_value = "10",
                                          .paper_value = "10",
                                          .meaning = "tokens of a chunk",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 1,
                                          .highest = 65536,
                                          .kvpress_value = "20"}};

// kvpress puts the window's tokens first, and then their chunks with all their tokens.
std::uint32_t recent(const Setting& setting) {
  return setting.preset == Preset::Kvpress ? 0 : setting.window;
}

std::vector<double> summedOverHeads(const Setting& setting, const LayerScores& scores) {
  std::vector<double> sum(scores.candidates, 0.0);
  for (std::uint32_t head = 0; head < scores.heads; ++head)
    for (std::uint32_t j = 0; j < scores.candidates; ++j) sum[j] += static_cast<double>(scores.head(head)[j]);
  if (setting.preset != Preset::Kvpress) return sum;
  const std::size_t window = std::min<std::size_t>(setting.window, sum.size());
  const auto begin = sum.end() - static_cast<std::ptrdiff_t>(window);
  const float best = *std::max_element(scores.values.begin(), scores.values.end());
  std::fill(begin, sum.end(), (static_cast<double>(best) + 1) * scores.heads);
  return sum;
}

void reshape(const Setting& setting, LayerIndex, LayerScores& scores) {
  if (scores.candidates == 0) return;
  const std::vector<double> sum = summedOverHeads(setting, scores);
  const auto length = static_cast<std::size_t>(integerParameter(setting, "length"));
  for (std::size_t begin = 0; begin < sum.size(); begin += length) {
    const std::size_t end = std::min(begin + length, sum.size());
    double total = 0;
    for (std::size_t j = begin; j < end; ++j) total += sum[j];
    const auto mean = static_cast<float>(total / static_cast<double>(end - begin));
    for (std::uint32_t head = 0; head < scores.heads; ++head)
      std::fill(scores.values.begin() + static_cast<std::ptrdiff_t>(std::size_t{head} * scores.candidates + begin),
                scores.values.begin() + static_cast<std::ptrdiff_t>(std::size_t{head} * scores.candidates + end), mean);
  }
}

}  // namespace

SelectPart chunksSelection() {
  return {.name = "chunks",
          .meaning = "whole chunks of neighbouring tokens, and the last W tokens",
          .parameters = kParameters,
          .select = selectTopAndRecent,
          .recent = recent,
          .reshape = reshape,
          .by_rank = true};
}

}  // namespace kvatlas::policy
