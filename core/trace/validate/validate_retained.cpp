#include "core/trace/validate/validate_retained.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

namespace kvatlas::trace {
namespace {

double massOn(const std::vector<float>& row, std::span<const TokenIndex> kept) {
  double sum = 0;
  for (const TokenIndex position : kept)
    if (position < row.size()) sum += double(row[position]);
  return sum;
}

double bestMass(std::vector<float> row, std::size_t count) {
  count = std::min(count, row.size());
  const auto middle = row.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(row.begin(), middle, row.end(), std::greater<>());
  return std::accumulate(row.begin(), middle, 0.0);
}

}  // namespace

std::optional<std::string> retainedProblem(const Reader& reader, const RunHeader& run, const RunRecord& record,
                                           double tolerance) {
  const TraceHeader& header = reader.header();
  const std::uint32_t heads = header.model.query_heads, window = header.attention.window;
  // With a question, step 0 is its last token, whose attention is not recorded in full.
  if (record.retained.empty() || window == 0 || !header.prompt.question.ids.empty()) return std::nullopt;
  for (const LayerIndex layer : header.attention.layers) {
    for (std::uint32_t head = 0; head < heads; ++head) {
      const auto row = reader.hasHead(HeadIndex(head)) ? reader.windowRow(layer, HeadIndex(head), window - 1)
                                                       : std::optional<std::vector<float>>();
      const std::size_t at = std::size_t{layer.value} * heads + head;
      if (!row || std::isnan(record.retained[at])) continue;
      const auto kept = record.kept(std::size_t{layer.value} * run.heads + head / (heads / run.heads));
      const double retained = massOn(*row, kept), oracle = bestMass(*row, kept.size());
      if (std::abs(retained - double(record.retained[at])) <= 2 * tolerance &&
          std::abs(oracle - double(record.oracle[at])) <= 2 * tolerance)
        continue;
      return fmt::format("step 0 is {} of {}, the last query has {} of {} on as many tokens (layer {}, head {})",
                         record.retained[at], record.oracle[at], retained, oracle, layer.value, head);
    }
  }
  return std::nullopt;
}

}  // namespace kvatlas::trace
