#include "core/policy/scoring.h"

#include <algorithm>
#include <limits>

#include "core/base/error.h"
#include "core/policy/parameters.h"

namespace kvatlas::policy {
namespace {

// Calls visit(target, source, count) once per offset of the kernel: `count` outputs from `target` on meet inputs from
// `source` on. Whole-array passes, so that the loops inside are plain vector code.
template <class Visit>
void forEachOffset(std::size_t length, std::size_t kernel, const Visit& visit) {
  const std::size_t half = std::min(kernel / 2, length);
  for (std::size_t shift = half; shift > 0; --shift) visit(shift, std::size_t{0}, length - shift);
  for (std::size_t shift = 0; shift <= half; ++shift) visit(std::size_t{0}, shift, length - shift);
}

// Rows `first` … `first + count` of signal joined over the leading columns; sums in double, row after row.
void joinRows(std::span<const float> signal, std::size_t row_length, std::size_t first, std::size_t count,
              std::string_view how, std::span<float> joined) {
  if (how == "max") {
    std::fill(joined.begin(), joined.end(), -std::numeric_limits<float>::infinity());
    for (std::size_t row = first; row < first + count; ++row)
      for (std::size_t j = 0; j < joined.size(); ++j) joined[j] = std::max(joined[j], signal[row * row_length + j]);
    return;
  }
  std::vector<double> sum(joined.size(), 0.0);
  for (std::size_t row = first; row < first + count; ++row)
    for (std::size_t j = 0; j < joined.size(); ++j) sum[j] += signal[row * row_length + j];
  const double divisor = how == "mean" ? static_cast<double>(count) : 1.0;
  for (std::size_t j = 0; j < joined.size(); ++j) joined[j] = static_cast<float>(sum[j] / divisor);
}

}  // namespace

std::vector<float> maxPool(std::span<const float> values, std::size_t kernel) {
  std::vector<float> pooled(values.size(), -std::numeric_limits<float>::infinity());
  forEachOffset(values.size(), kernel, [&](std::size_t target, std::size_t source, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) pooled[target + i] = std::max(pooled[target + i], values[source + i]);
  });
  return pooled;
}

std::vector<float> averagePool(std::span<const float> values, std::size_t kernel) {
  std::vector<double> sum(values.size(), 0.0);
  forEachOffset(values.size(), kernel, [&](std::size_t target, std::size_t source, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) sum[target + i] += values[source + i];
  });
  std::vector<float> pooled(values.size());
  for (std::size_t i = 0; i < pooled.size(); ++i) pooled[i] = static_cast<float>(sum[i] / static_cast<double>(kernel));
  return pooled;
}

LayerScores headScores(const Setting& setting, LayerIndex layer, const LayerSignals& of_layer, Signal which) {
  const std::size_t tokens = setting.shape.tokens;
  const std::span<const float> signal = of_layer[which];
  if (signal.size() != setting.shape.query_heads * tokens)
    fail("layer {}: the signal '{}' is not recorded ({} values, {} expected)", layer.value, nameOf(which),
         signal.size(), setting.shape.query_heads * tokens);
  LayerScores scores;
  scores.heads = setting.heads();
  scores.candidates = setting.shape.tokens - std::min(setting.window, setting.shape.tokens);
  scores.values.resize(std::size_t{scores.heads} * scores.candidates);
  const std::size_t group = setting.granularity == Granularity::KvHead ? setting.groupSize() : 1;
  const std::string_view how = group > 1 ? textParameter(setting, kGroupParameter.name) : "sum";
  for (std::size_t head = 0; head < scores.heads; ++head)
    joinRows(signal, tokens, head * group, group, how,
             std::span(scores.values).subspan(head * scores.candidates, scores.candidates));
  return scores;
}

LayerScores pooledWindowScores(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  LayerScores scores = headScores(setting, layer, signals, Signal::WindowSum);
  const std::string_view pooling = textParameter(setting, kPoolingParameter.name);
  if (pooling == "none") return scores;
  const auto kernel = static_cast<std::size_t>(integerParameter(setting, kKernelParameter.name));
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    const auto pooled = pooling == "max" ? maxPool(scores.head(head), kernel) : averagePool(scores.head(head), kernel);
    std::copy(pooled.begin(), pooled.end(), scores.values.begin() + std::size_t{head} * scores.candidates);
  }
  return scores;
}

}  // namespace kvatlas::policy
