#include "capture/session/mass_meter.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/analysis/mass.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

constexpr float kNotMeasured = std::numeric_limits<float>::quiet_NaN();

// How many positions of the prompt, and how many later ones (question and generated), a list holds.
struct HeldCounts {
  std::uint32_t prompt = 0, later = 0;
};

// What a list holds of a row over all positions so far; the prompt's part and the later part are summed apart.
double heldMass(std::span<const float> row, const cache::HeldList& list, const HeldCounts& counts) {
  double prompt = 0, later = 0;
  for (std::uint32_t i = 0; i < counts.prompt; ++i) prompt += row[list[i]];
  for (std::uint32_t i = counts.prompt; i < counts.prompt + counts.later; ++i) later += row[list[i]];
  return prompt + later;
}

double massAt(std::span<const float> row, std::span<const TokenIndex> positions) {
  double sum = 0;
  for (const TokenIndex position : positions) sum += static_cast<double>(row[position]);
  return sum;
}

double massOf(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// The sum of the `count` largest values.
double bestMass(std::span<const float> values, std::uint32_t count) {
  const std::uint32_t sizes[] = {count};
  return analysis::oracleMass(values, static_cast<std::uint32_t>(values.size()), sizes).front();
}

}  // namespace

MassMeter::MassMeter(const ModelConfig& config, std::span<const cache::HeldTokens> held, std::uint32_t max_new_tokens,
                     unsigned threads, ReadPositions read)
    : m_config(config),
      m_held(held),
      m_prompt_tokens(held.front().promptTokens()),
      m_threads(threads),
      m_read(std::move(read)),
      m_mass(held.size()) {
  if (config.sliding_window > 0) m_rows.reserve(config.query_heads * (std::size_t{m_prompt_tokens} + max_new_tokens));
}

void MassMeter::beginStep(const std::vector<bool>& active) {
  m_active = active;
  const std::size_t step = std::size_t{m_config.layers} * m_config.query_heads;
  for (std::size_t b = 1; b < m_mass.size(); ++b) {
    if (!active[b]) continue;
    m_mass[b].retained.resize(m_mass[b].retained.size() + step, kNotMeasured);
    m_mass[b].oracle.resize(m_mass[b].oracle.size() + step, kNotMeasured);
  }
}

void MassMeter::measurePrompt(LayerIndex layer, std::span<const float> rows) {
  measure(layer, rows, m_prompt_tokens, false);
}

void MassMeter::measureStep(LayerIndex layer, const WatchedRows& rows) {
  const WatchedRow first = rows.row(0, 0, rows.tokens() - 1);
  const std::size_t visible = first.mass.size(), length = first.hidden + visible;
  // The full cache's lists are equally long: its rows lie one behind the other.
  const std::span<const float> seen(first.mass.data(), m_config.query_heads * visible);
  if (first.hidden == 0) return measure(layer, seen, length, true);
  m_rows.assign(m_config.query_heads * length, 0.0F);
  for (std::size_t head = 0; head < m_config.query_heads; ++head)
    std::copy_n(seen.begin() + static_cast<std::ptrdiff_t>(head * visible), visible,
                m_rows.begin() + static_cast<std::ptrdiff_t>(head * length + first.hidden));
  measure(layer, m_rows, length, true);
}

void MassMeter::measure(LayerIndex layer, std::span<const float> rows, std::size_t length, bool of_step) {
  kernels::parallelFor(m_config.query_heads, m_threads, [&](std::size_t head, unsigned) {
    measureHead(layer, static_cast<std::uint32_t>(head), rows.subspan(head * length, length), of_step);
  });
}

// A branch whose query chose what it read is measured by that: the mass on it, and on the best of the same number.
void MassMeter::measureHead(LayerIndex layer, std::uint32_t head, std::span<const float> row, bool of_step) {
  const std::uint32_t prompt = m_prompt_tokens, question = m_held.front().questionTokens();
  std::vector<std::uint32_t> sizes;
  std::vector<HeldCounts> counts;
  std::vector<cache::HeldList> lists;
  for (const cache::HeldTokens& held : m_held.subspan(1)) {
    const cache::HeldList& list = lists.emplace_back(held.list(layer, head / (m_config.query_heads / held.heads())));
    const std::uint32_t of_prompt = list.rowFrom(prompt);
    // Step 0 comes before anything is generated, and a branch may have stopped before the full cache.
    counts.push_back({of_prompt, list.rowFrom(row.size()) - of_prompt});
    sizes.push_back(of_prompt);
  }
  const std::vector<double> best = analysis::oracleMass(row, prompt, sizes);
  const auto later = static_cast<std::uint32_t>(row.size()) - prompt;
  const std::size_t from_end = std::size_t{m_config.layers - layer.value} * m_config.query_heads - head;
  for (std::size_t b = 1; b < m_mass.size(); ++b) {
    if (!m_active[b]) continue;
    const std::size_t cell = m_mass[b].retained.size() - from_end;
    if (const auto read = of_step && m_read ? m_read(b, head) : std::span<const TokenIndex>(); !read.empty()) {
      m_mass[b].retained[cell] = static_cast<float>(massAt(row, read));
      m_mass[b].oracle[cell] = static_cast<float>(bestMass(row, static_cast<std::uint32_t>(read.size())));
      continue;
    }
    const HeldCounts& held = counts[b - 1];
    m_mass[b].retained[cell] = static_cast<float>(heldMass(row, lists[b - 1], held));
    m_mass[b].oracle[cell] = static_cast<float>(
        held.later == later ? best[b - 1]
                            : bestMass(row.first(prompt), held.prompt) + massOf(row.subspan(prompt, question)) +
                                  bestMass(row.subspan(prompt + question), held.later - question));
  }
}

}  // namespace kvatlas::capture
