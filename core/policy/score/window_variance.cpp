// The window's attention and how much it varies from query to query (CAKE, Qin et al., arXiv:2503.12491): mean + γ ·
// var, pooled.
#include <algorithm>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kKernelParameter,
                                         kPoolingParameter,
                                         kGroupParameter,
                                         {.name = "gamma",
                                          .values = "a number from 0 to 1000000",
                                          .default_value = "200",
                                          .paper_value = "200",
                                          .meaning = "weight of the variance",
                                          .kind = ParameterKind::Number,
                                          .lowest = 0,
                                          .highest = 1'000'000}};

// Of one query head: [N].
void addMeanAndVariance(std::span<const float> rows, std::size_t tokens, double gamma, std::vector<float>& to) {
  const std::size_t queries = rows.size() / tokens;
  for (std::size_t j = 0; j < tokens; ++j) {
    double sum = 0, squares = 0;
    for (std::size_t row = 0; row < queries; ++row) sum += static_cast<double>(rows[row * tokens + j]);
    const double mean = sum / static_cast<double>(queries);
    for (std::size_t row = 0; row < queries; ++row) {
      const double off = static_cast<double>(rows[row * tokens + j]) - mean;
      squares += off * off;
    }
    to.push_back(
        static_cast<float>(mean + gamma * squares / static_cast<double>(std::max<std::size_t>(queries, 2) - 1)));
  }
}

LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  const std::size_t tokens = setting.shape.tokens;
  const std::size_t of_head = std::min<std::size_t>(setting.window, tokens) * tokens;
  const double gamma = numberParameter(setting, "gamma");
  std::vector<float> both;
  for (std::size_t head = 0; head < setting.shape.query_heads; ++head)
    addMeanAndVariance(signals[Signal::WindowRows].subspan(head * of_head, of_head), tokens, gamma, both);
  LayerSignals window;
  window[Signal::WindowSum] = both;
  return pooledWindowScores(setting, layer, window);
}

}  // namespace

ScorePart window_varianceScore() {
  return {.name = "window-variance",
          .meaning = "the window's mean attention plus its variance over the queries",
          .needs = {Signal::WindowRows},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
