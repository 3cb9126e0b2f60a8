#include "capture/session/top_keys.h"

#include "kernels/parallel.h"

namespace kvatlas::capture {

void TopKeys::beginStep(std::span<const std::size_t> branches, std::uint32_t tokens) {
  m_branches.assign(branches.begin(), branches.end());
  m_tokens = tokens;
  m_entries.resize(m_layers * rows() * kAttendedKeys);
}

std::vector<kernels::TopEntry> topOfPrompt(std::span<const float> rows, std::uint32_t query_heads, std::size_t hidden,
                                           unsigned threads) {
  const std::size_t tokens = rows.size() / query_heads;
  std::vector<kernels::TopEntry> top(std::size_t{query_heads} * kAttendedKeys);
  kernels::parallelFor(query_heads, threads, [&](std::size_t head, unsigned) {
    const std::span<kernels::TopEntry> best = std::span(top).subspan(head * kAttendedKeys, kAttendedKeys);
    kernels::topEntries(rows.subspan(head * tokens + hidden, tokens - hidden), best);
    for (kernels::TopEntry& entry : best)
      if (entry.column != kernels::kNoColumn) entry.column += static_cast<std::uint32_t>(hidden);
  });
  return top;
}

}  // namespace kvatlas::capture
