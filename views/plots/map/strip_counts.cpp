#include "views/plots/map/strip_counts.h"

#include <algorithm>

namespace kvatlas::views {

StripCounts::StripCounts(const KeptStrip& strip) : m_title(strip.title), m_colour(strip.colour) {
  m_before.reserve(strip.share.size() + 1);
  m_before.push_back(0);
  std::vector<TokenIndex> sinks, window;
  for (std::size_t i = 0; i < strip.share.size(); ++i) {
    m_before.push_back(m_before.back() + static_cast<double>(strip.share[i]));
    if (!(strip.share[i] > 0) || i >= strip.reasons.size()) continue;
    if (strip.reasons[i] == policy::Reason::Sink) sinks.push_back(static_cast<TokenIndex>(i));
    if (strip.reasons[i] == policy::Reason::Window) window.push_back(static_cast<TokenIndex>(i));
  }
  m_sinks = PositionCounts(strip.share.size(), sinks);
  m_window = PositionCounts(strip.share.size(), window);
}

double StripCounts::share(std::uint64_t begin, std::uint64_t end) const {
  end = std::min(end, tokens());
  return begin < end ? (m_before[end] - m_before[begin]) / static_cast<double>(end - begin) : 0;
}

}  // namespace kvatlas::views
