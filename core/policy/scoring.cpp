#include "core/policy/scoring.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/policy/parameters.h"

namespace kvatlas::policy {
namespace {

// Calls visit(target, source, count) once per offset of the kernel: `count` outputs starting at `target` pair with
// inputs starting at `source`. Whole-array passes, so that the inner loops are plain vector code.
template <class Visit>
void forEachOffset(std::size_t length, std::size_t kernel, const Visit& visit) {
  const std::size_t half = std::min(kernel / 2, length);
  for (std::size_t shift = half; shift > 0; --shift) visit(shift, std::size_t{0}, length - shift);
  for (std::size_t shift = 0; shift <= half; ++shift) visit(std::size_t{0}, shift, length - shift);
}

// Rows `first` … `first + count` of signal combined over the leading columns; sums in double, row after row.
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

LayerScores emptyScores(const Setting& setting) {
  return {.heads = setting.heads(),
          .candidates = setting.shape.tokens - std::min(setting.recent, setting.shape.tokens)};
}

std::span<const float> kvRow(const Setting& setting, std::span<const float> signal, std::uint32_t head) {
  const std::size_t row = setting.granularity == Granularity::KvHead ? head : head / setting.groupSize();
  return signal.subspan(row * setting.shape.tokens, setting.shape.tokens);
}

LayerScores kvHeadScores(const Setting& setting, const LayerSignals& of_layer, Signal signal) {
  LayerScores scores = emptyScores(setting);
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    const std::span<const float> row = kvRow(setting, of_layer[signal], head).first(scores.candidates);
    scores.values.insert(scores.values.end(), row.begin(), row.end());
  }
  return scores;
}

void putFirst(const Setting& setting, float value, LayerScores& scores) {
  const auto sinks = static_cast<std::uint32_t>(
      std::min<std::int64_t>(integerParameter(setting, kSinksName), std::int64_t{scores.candidates}));
  for (std::size_t head = 0; head < scores.heads; ++head)
    std::fill_n(scores.values.begin() + static_cast<std::ptrdiff_t>(head * scores.candidates), sinks, value);
}

LayerScores headScores(const Setting& setting, LayerIndex layer, const LayerSignals& of_layer, Signal which) {
  const std::size_t tokens = setting.shape.tokens;
  const std::span<const float> signal = of_layer[which];
  if (signal.size() != setting.shape.query_heads * tokens)
    fail("layer {}: the signal '{}' is not recorded ({} values, {} expected)", layer.value, nameOf(which),
         signal.size(), setting.shape.query_heads * tokens);
  LayerScores scores = emptyScores(setting);
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

void standardise(std::vector<float>& values) {
  if (values.size() < 2) return;
  double sum = 0, squares = 0;
  for (const float value : values) sum += static_cast<double>(value);
  const double mean = sum / static_cast<double>(values.size());
  for (const float value : values) squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  const double deviation = std::max(std::sqrt(squares / static_cast<double>(values.size() - 1)), 1e-6);
  for (float& value : values) value = static_cast<float>((static_cast<double>(value) - mean) / deviation);
}

std::vector<float> valueWeights(const Setting& setting, Signal weight, const LayerSignals& signals, std::uint32_t head,
                                std::uint32_t candidates) {
  std::vector<float> mean(candidates);
  const bool of_queries = infoOf(weight).heads == SignalHeads::Query;
  const std::size_t group = of_queries && setting.granularity == Granularity::KvHead ? setting.groupSize() : 1;
  if (of_queries)
    joinRows(signals[weight], setting.shape.tokens, head * group, group, "mean", mean);
  else
    std::ranges::copy(kvRow(setting, signals[weight], head).first(candidates), mean.begin());
  return mean;
}

}  // namespace kvatlas::policy
