#include "core/trace/validate/validate_attended.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace kvatlas::trace {

// The keys of one step, or of one token of the question, and query head.
struct AttendedCheck::Row {
  LayerIndex layer;
  std::uint32_t head = 0, step = 0;
  std::uint64_t keys = 0;  // positions so far
  std::span<const TokenIndex> positions;
  std::span<const float> mass;
};

std::optional<std::string> AttendedCheck::check(LayerIndex layer, const AttendedLayer& attended) const {
  if (attended.steps() != m_record.decode_ids.size())
    return fmt::format("has {} steps, {} tokens were generated", attended.steps(), m_record.decode_ids.size());
  return checkRows(layer, attended, m_header.prompt.firstGenerated());
}

std::optional<std::string> AttendedCheck::checkQuestion(LayerIndex layer, const AttendedLayer& attended) const {
  const std::size_t tokens = m_record.decode_ids.empty() ? 0 : m_header.prompt.question.ids.size();
  if (attended.steps() != tokens)
    return fmt::format("has {} rows, the question has {} tokens", attended.steps(), tokens);
  return checkRows(layer, attended, m_header.prompt.ids.size() + 1);
}

std::optional<std::string> AttendedCheck::checkRows(LayerIndex layer, const AttendedLayer& attended,
                                                    std::uint64_t first_keys) const {
  for (std::uint32_t step = 0; step < attended.steps(); ++step) {
    for (std::uint32_t head = 0; head < attended.query_heads; ++head) {
      const std::size_t at = attended.at(step, head);
      const Row row{layer,
                    head,
                    step,
                    first_keys + step,
                    std::span(attended.positions).subspan(at, attended.per_head),
                    std::span(attended.mass).subspan(at, attended.per_head)};
      if (const std::string problem = problemOf(row); !problem.empty())
        return fmt::format("{} (step {}, layer {}, head {})", problem, step, layer.value, head);
    }
  }
  return std::nullopt;
}

std::string AttendedCheck::problemOf(const Row& row) const {
  double sum = 0;
  for (std::size_t k = 0; k < row.positions.size(); ++k) {
    const TokenIndex position = row.positions[k];
    const float mass = row.mass[k];
    if (!(mass >= 0 && double(mass) <= 1 + m_tolerance)) return fmt::format("mass {} is outside 0 … 1", mass);
    if (position == kNoToken && mass != 0) return fmt::format("mass {} has no key", mass);
    if (k > 0 && mass > row.mass[k - 1]) return "the masses are not descending";
    if (k > 0 && position != kNoToken && row.positions[k - 1] == kNoToken) return "a key follows an empty entry";
    if (k > 0 && position != kNoToken && mass == row.mass[k - 1] && position < row.positions[k - 1])
      return "keys of equal mass are not ascending";
    if (position == kNoToken) continue;
    if (std::ranges::count(row.positions, position) > 1) return fmt::format("position {} is listed twice", position);
    if (std::string problem = positionProblem(row, position); !problem.empty()) return problem;
    sum += double(mass);
  }
  return sum <= 1 + m_tolerance ? "" : fmt::format("the masses sum to {}", sum);
}

std::string AttendedCheck::positionProblem(const Row& row, TokenIndex position) const {
  const std::uint64_t keys = row.keys, window = m_header.model.sliding_window;
  if (position >= keys) return fmt::format("position {} does not exist yet", position);
  if (window > 0 && position + window < keys) return fmt::format("position {} is outside the sliding window", position);
  return evictedBefore(row, position) ? fmt::format("position {} was already evicted", position) : "";
}

// Without a question, step 0 is the prompt's own attention, before any eviction. Rows of the question come before what
// is evicted while decoding.
bool AttendedCheck::evictedBefore(const Row& row, TokenIndex position) const {
  const bool of_question = row.keys <= m_header.prompt.firstGenerated();
  if (of_question && m_header.prompt.question.ids.empty()) return false;
  const std::uint32_t stored = row.head / (m_header.model.query_heads / m_run.heads);
  if (const auto step = m_evictions.stepOf(row.layer.value, stored, position)) return !of_question && *step < row.step;
  if (position >= m_header.prompt.ids.size()) return false;
  const auto kept = m_record.kept(std::size_t{row.layer.value} * m_run.heads + stored);
  return !std::binary_search(kept.begin(), kept.end(), position);
}

}  // namespace kvatlas::trace
