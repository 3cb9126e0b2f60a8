#include "capture/session/page_rows.h"

#include <algorithm>

#include "kernels/cache_gather.h"

namespace kvatlas::capture {

void choosePages(const policy::PageReading& reading, const PageQuestion& question, std::size_t head_dim, PageRows& to) {
  to.rows.clear();
  if (question.budget >= question.seen.visible) return;
  const std::uint32_t first = question.seen.hidden, end = first + question.seen.visible;
  const std::vector<float> bounds =
      policy::pageBounds(reading, question.queries, question.key.first(end * head_dim), head_dim);
  to.rows = policy::chosenRows(reading, question.budget, bounds, first, end);
  to.probabilities.resize(question.queries.size() / head_dim * to.rows.size());
  const auto gather = [&](std::span<const float> from, std::vector<float>& rows) {
    rows.resize(to.rows.size() * head_dim);
    kernels::gatherRows(from.data(), to.rows, head_dim * sizeof(float), rows.data());
  };
  gather(question.key, to.key);
  gather(question.value, to.value);
}

}  // namespace kvatlas::capture
