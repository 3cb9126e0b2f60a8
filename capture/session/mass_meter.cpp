#include "capture/session/mass_meter.h"

#include <algorithm>
#include <limits>

#include "core/analysis/mass.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

constexpr float kNotMeasured = std::numeric_limits<float>::quiet_NaN();

}  // namespace

MassMeter::MassMeter(const ModelConfig& config, std::span<const Branch> branches, std::uint64_t prompt_tokens,
                     std::uint32_t max_new_tokens, unsigned threads)
    : m_config(config),
      m_branches(branches),
      m_prompt_tokens(prompt_tokens),
      m_threads(threads),
      m_mass(branches.size()) {
  if (config.sliding_window > 0) m_rows.reserve(config.query_heads * (prompt_tokens + max_new_tokens));
}

void MassMeter::beginStep(const std::vector<bool>& active) {
  ++m_steps;
  const std::size_t size = m_steps * m_config.layers * m_config.query_heads;
  for (std::size_t b = 1; b < m_mass.size(); ++b) {
    if (!active[b]) continue;
    m_mass[b].retained.resize(size, kNotMeasured);
    m_mass[b].oracle.resize(size, kNotMeasured);
  }
}

void MassMeter::measurePrompt(LayerIndex layer, std::span<const float> rows) {
  measure(layer, rows, m_prompt_tokens);
}

void MassMeter::measureStep(LayerIndex layer, const WatchedRows& rows) {
  const WatchedRow first = rows.row(0, 0);
  const std::size_t visible = first.mass.size(), length = first.hidden + visible;
  // The full cache's lists are equally long: its rows lie one behind the other.
  const std::span<const float> seen(first.mass.data(), m_config.query_heads * visible);
  if (first.hidden == 0) return measure(layer, seen, length);
  m_rows.assign(m_config.query_heads * length, 0.0F);
  for (std::size_t head = 0; head < m_config.query_heads; ++head)
    std::copy_n(seen.begin() + static_cast<std::ptrdiff_t>(head * visible), visible,
                m_rows.begin() + static_cast<std::ptrdiff_t>(head * length + first.hidden));
  measure(layer, m_rows, length);
}

void MassMeter::measure(LayerIndex layer, std::span<const float> rows, std::size_t length) {
  kernels::parallelFor(m_config.query_heads, m_threads, [&](std::size_t head, unsigned) {
    measureHead(layer, static_cast<std::uint32_t>(head), rows.subspan(head * length, length));
  });
}

void MassMeter::measureHead(LayerIndex layer, std::uint32_t head, std::span<const float> row) {
  const auto prompt = static_cast<std::uint32_t>(m_prompt_tokens);
  std::vector<std::uint32_t> sizes;
  std::vector<std::span<const TokenIndex>> kept;
  for (const Branch& branch : m_branches.subspan(1)) {
    kept.push_back(branch.decision.kept(layer, head / (m_config.query_heads / branch.decision.heads)));
    sizes.push_back(static_cast<std::uint32_t>(kept.back().size()));
  }
  const std::vector<double> best = analysis::oracleMass(row, prompt, sizes);
  const std::size_t cell = ((m_steps - 1) * m_config.layers + layer.value) * m_config.query_heads + head;
  for (std::size_t b = 1; b < m_mass.size(); ++b) {
    if (m_mass[b].retained.size() <= cell) continue;  // this branch has stopped
    m_mass[b].retained[cell] = static_cast<float>(analysis::retainedMass(row, prompt, kept[b - 1]));
    m_mass[b].oracle[cell] = static_cast<float>(best[b - 1]);
  }
}

}  // namespace kvatlas::capture
