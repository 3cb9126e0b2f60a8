#include "views/models/document/head_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"

namespace kvatlas::views {

std::vector<HeadIndex> headsOf(const HeadChoice& choice, const trace::ModelInfo& model) {
  if (choice.kind == HeadChoice::QueryHead) return {HeadIndex(choice.index)};
  const std::size_t group = model.query_heads / std::max(1U, model.kv_heads);
  const std::size_t first = choice.group() ? choice.index * group : 0;
  const std::size_t count = choice.group() ? group : model.query_heads;
  std::vector<HeadIndex> heads;
  for (std::size_t head = first; head < first + count; ++head) heads.emplace_back(head);
  return heads;
}

HeadChoice clamped(HeadChoice choice, const trace::ModelInfo& model) {
  std::uint32_t count = 1;
  if (choice.kind == HeadChoice::QueryHead) count = model.query_heads;
  if (choice.group()) count = model.kv_heads;
  choice.index = count == 0 ? 0 : std::min(choice.index, count - 1);
  return choice;
}

std::optional<std::size_t> storedHeadOf(const HeadChoice& choice, std::uint32_t run_heads,
                                        const trace::ModelInfo& model) {
  const std::size_t served = model.query_heads / std::max(1U, run_heads);
  const std::vector<HeadIndex> heads = headsOf(choice, model);
  if (heads.empty() || served == 0) return std::nullopt;
  const std::size_t first = heads.front().value / served, last = heads.back().value / served;
  if (first != last) return std::nullopt;
  return first;
}

std::string textOf(const HeadChoice& choice) {
  switch (choice.kind) {
    case HeadChoice::QueryHead:
      return fmt::format("H{}", choice.index);
    case HeadChoice::MeanOverHeads:
      return "mean over heads";
    case HeadChoice::MaxOverHeads:
      return "max over heads";
    case HeadChoice::MeanOverGroup:
      return fmt::format("KV{} mean", choice.index);
    case HeadChoice::MaxOverGroup:
      return fmt::format("KV{} max", choice.index);
  }
  fail("choice of heads {} is unknown", static_cast<int>(choice.kind));
}

std::vector<float> joinHeads(const HeadChoice& choice, const std::vector<std::vector<float>>& rows) {
  if (rows.empty()) return {};
  if (rows.size() == 1) return rows.front();
  std::vector<float> joined = rows.front();
  if (choice.max()) {
    for (const std::vector<float>& row : rows)
      for (std::size_t i = 0; i < joined.size(); ++i) joined[i] = std::max(joined[i], row[i]);
    return joined;
  }
  for (std::size_t i = 0; i < joined.size(); ++i) {
    double sum = 0;
    for (const std::vector<float>& row : rows) sum += static_cast<double>(row[i]);
    joined[i] = static_cast<float>(sum / static_cast<double>(rows.size()));
  }
  return joined;
}

}  // namespace kvatlas::views
