#include "core/trace/validate/validate_evicted.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/base/random.h"
#include "core/trace/validate/validate_header.h"

namespace kvatlas::trace {
namespace {

std::string nameOf(const Eviction& one) {
  return fmt::format("(step {}, layer {}, head {})", one.step, one.layer, one.head);
}

// A run's lists from step to step: step t has the prompt's kept tokens, the question and t generated ones, less what
// went before it.
class Replay {
 public:
  Replay(const TraceHeader& header, const RunHeader& run, const RunRecord& record)
      : m_header(header), m_run(run), m_record(record), m_times(record), m_rows(record.capacity) {
    for (std::uint32_t& rows : m_rows) rows += questionTokens();
  }

  std::optional<std::string> problem() {
    const std::vector<Eviction>& log = m_record.evicted;
    const auto steps = static_cast<std::uint32_t>(std::max<std::size_t>(m_record.decode_ids.size(), 1));
    std::size_t next = 0;
    for (std::uint32_t step = 0; step < steps; ++step) {
      if (step > 0)
        for (std::uint32_t& rows : m_rows) ++rows;
      if (auto found = stepProblem(step)) return found;
      for (; next < log.size() && log[next].step == step; ++next)
        if (auto found = take(log[next])) return found;
    }
    if (next == log.size() && m_times.size() == log.size()) return std::nullopt;
    if (next == log.size()) return "a list loses a position twice";
    return log[next].step < steps ? fmt::format("the steps are not ascending {}", nameOf(log[next]))
                                  : "names a step, layer or head that does not exist";
  }

 private:
  [[nodiscard]] std::uint32_t questionTokens() const {
    return static_cast<std::uint32_t>(m_header.prompt.question.ids.size());
  }

  [[nodiscard]] std::optional<std::string> stepProblem(std::uint32_t step) const {
    std::uint64_t held = 0;
    for (std::size_t list = 0; list < m_rows.size(); ++list) {
      held += m_rows[list];
      // Where the prompt was below the budget, lists may grow to it.
      const bool bounded = m_run.every > 0 && m_record.capacity[list] < m_header.prompt.ids.size();
      if (bounded && m_rows[list] > m_record.capacity[list] + questionTokens() + m_run.every)
        return fmt::format("step {}: layer {}, head {} holds {} tokens, at most {} + {} were expected", step,
                           list / m_run.heads, list % m_run.heads, m_rows[list] - questionTokens(),
                           m_record.capacity[list], m_run.every);
    }
    const std::uint64_t kept = m_record.keptTokens();
    const std::uint64_t row = 2 * m_header.model.head_dim * numberBytes(m_header.model.compute_dtype);
    // Entries in another form have no common size.
    if (step >= m_record.step_bytes.size() || m_record.cache_bytes != kept * row) return std::nullopt;
    const std::uint64_t bytes = row * held;
    if (m_record.step_bytes[step] == bytes) return std::nullopt;
    return fmt::format("step {}: the tokens held take {} bytes, cache_bytes says {}", step, bytes,
                       m_record.step_bytes[step]);
  }

  [[nodiscard]] std::optional<std::string> take(const Eviction& one) {
    if (one.layer >= m_header.model.layers || one.head >= m_run.heads)
      return "names a step, layer or head that does not exist";
    const std::size_t list = std::size_t{one.layer} * m_run.heads + one.head, tokens = m_header.prompt.ids.size(),
                      generated = m_header.prompt.firstGenerated();
    const auto kept = m_record.kept(list);
    const bool was_there = one.position < tokens ? std::binary_search(kept.begin(), kept.end(), one.position)
                                                 : one.position >= generated && one.position < generated + one.step;
    if (!was_there) return fmt::format("position {} was not held {}", one.position, nameOf(one));
    if (m_times.stepOf(one.layer, one.head, one.position) != one.step)
      return fmt::format("position {} had been evicted before {}", one.position, nameOf(one));
    --m_rows[list];
    return std::nullopt;
  }

  const TraceHeader& m_header;
  const RunHeader& m_run;
  const RunRecord& m_record;
  EvictionTimes m_times;
  std::vector<std::uint32_t> m_rows;  // [layers, heads] held now
};

}  // namespace

std::size_t EvictionTimes::Hash::operator()(const Key& key) const {
  return mixedBits((std::uint64_t{key.layer} << 48U) ^ (std::uint64_t{key.head} << 32U) ^ key.position);
}

EvictionTimes::EvictionTimes(const RunRecord& record) {
  m_steps.reserve(record.evicted.size());
  for (const Eviction& one : record.evicted) {
    const auto [entry, added] = m_steps.try_emplace({one.layer, one.head, one.position}, one.step);
    if (!added) entry->second = std::min(entry->second, one.step);
  }
}

std::optional<std::uint32_t> EvictionTimes::stepOf(std::uint32_t layer, std::uint32_t head, TokenIndex position) const {
  const auto found = m_steps.find({layer, head, position});
  return found == m_steps.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> evictionProblem(const TraceHeader& header, const RunHeader& run, const RunRecord& record) {
  return Replay(header, run, record).problem();
}

}  // namespace kvatlas::trace
