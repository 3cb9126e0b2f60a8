#include "capture/session/attended_tokens.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/trace/records.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

struct Best {
  struct Entry {
    float mass = 0;
    std::size_t column = 0;
  };
  std::array<Entry, kAttendedKeys> entries;
  std::size_t count = 0;

  // In order of columns: of equal masses the first stays.
  void offer(float mass, std::size_t column) {
    std::size_t at = count;
    if (count < entries.size()) {
      ++count;
    } else if (mass > entries.back().mass) {
      --at;
    } else {
      return;
    }
    for (; at > 0 && mass > entries[at - 1].mass; --at) entries[at] = entries[at - 1];
    entries[at] = {mass, column};
  }
};

// Few columns are among the best: blocks without any are passed over.
Best bestOf(std::span<const float> row) {
  constexpr std::size_t kBlock = 32;
  Best best;
  std::size_t column = 0;
  for (; column < row.size() && column < kAttendedKeys; ++column) best.offer(row[column], column);
  for (; column + kBlock <= row.size(); column += kBlock) {
    const float least = best.entries.back().mass;
    bool any = false;
    for (std::size_t j = 0; j < kBlock; ++j) any |= row[column + j] > least;
    if (!any) continue;
    for (std::size_t j = 0; j < kBlock; ++j) best.offer(row[column + j], column + j);
  }
  for (; column < row.size(); ++column) best.offer(row[column], column);
  return best;
}

void store(const WatchedRow& row, std::size_t cell, Attended& to) {
  if (!row.mass.empty() && !std::isfinite(row.mass.front())) return;  // a row is finite as a whole or not at all
  const Best best = bestOf(row.mass);
  for (std::size_t k = 0; k < best.count; ++k) {
    to.positions[cell + k] = row.position(best.entries[k].column);
    to.mass[cell + k] = best.entries[k].mass;
  }
}

}  // namespace

void AttendedTokens::beginStep(const std::vector<bool>& active) {
  const std::size_t step = std::size_t{m_config.layers} * m_config.query_heads * kAttendedKeys;
  for (std::size_t b = 0; b < m_branches.size(); ++b) {
    if (!active[b]) continue;
    m_branches[b].positions.resize(m_branches[b].positions.size() + step, trace::kNoToken);
    m_branches[b].mass.resize(m_branches[b].mass.size() + step, 0.0F);
  }
}

std::size_t AttendedTokens::cell(const Attended& branch, LayerIndex layer, std::uint32_t head) const {
  const std::size_t from_end = std::size_t{m_config.layers - layer.value} * m_config.query_heads - head;
  return branch.positions.size() - from_end * kAttendedKeys;
}

void AttendedTokens::takePrompt(LayerIndex layer, std::span<const float> rows) {
  const std::size_t window = m_config.sliding_window,
                    hidden = window > 0 && m_prompt_tokens > window ? m_prompt_tokens - window : 0;
  kernels::parallelFor(m_config.query_heads, m_threads, [&](std::size_t head, unsigned) {
    const WatchedRow row{.mass = rows.subspan(head * m_prompt_tokens + hidden, m_prompt_tokens - hidden),
                         .list = cache::HeldList(static_cast<std::uint32_t>(m_prompt_tokens)),
                         .hidden = static_cast<std::uint32_t>(hidden)};
    const std::size_t at = cell(m_branches.front(), layer, static_cast<std::uint32_t>(head));
    store(row, at, m_branches.front());
    for (Attended& branch : std::span(m_branches).subspan(1)) {
      std::copy_n(m_branches.front().positions.begin() + static_cast<std::ptrdiff_t>(at), kAttendedKeys,
                  branch.positions.begin() + static_cast<std::ptrdiff_t>(at));
      std::copy_n(m_branches.front().mass.begin() + static_cast<std::ptrdiff_t>(at), kAttendedKeys,
                  branch.mass.begin() + static_cast<std::ptrdiff_t>(at));
    }
  });
}

void AttendedTokens::takeStep(LayerIndex layer, const WatchedRows& rows) {
  const std::size_t heads = m_config.query_heads;
  kernels::parallelFor(rows.watched().size() * heads, m_threads, [&](std::size_t task, unsigned) {
    const auto head = static_cast<std::uint32_t>(task % heads);
    Attended& branch = m_branches[rows.watched()[task / heads]];
    store(rows.row(task / heads, head, rows.tokens() - 1), cell(branch, layer, head), branch);
  });
}

void AttendedTokens::beginQuestion(std::uint32_t tokens) {
  const std::size_t size = std::size_t{tokens} * m_config.layers * m_config.query_heads * kAttendedKeys;
  for (Attended& branch : m_questions) {
    branch.positions.resize(size, trace::kNoToken);
    branch.mass.resize(size, 0.0F);
  }
}

void AttendedTokens::takeQuestion(LayerIndex layer, const WatchedRows& rows, std::uint32_t first) {
  const std::size_t heads = m_config.query_heads, tokens = rows.tokens();
  kernels::parallelFor(rows.watched().size() * tokens * heads, m_threads, [&](std::size_t task, unsigned) {
    const auto head = static_cast<std::uint32_t>(task % heads),
               token = static_cast<std::uint32_t>(task / heads % tokens);
    const std::size_t i = task / heads / tokens;
    const std::size_t at = ((first + token) * m_config.layers + layer.value) * heads + head;
    store(rows.row(i, head, token), at * kAttendedKeys, m_questions[rows.watched()[i]]);
  });
}

}  // namespace kvatlas::capture
