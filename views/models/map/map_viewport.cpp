#include "views/models/map/map_viewport.h"

#include <algorithm>

namespace kvatlas::views {
namespace {

constexpr double kFewestTokens = 8, kFarthest = 1.3, kEdge = 0.15;

// Tokens per pixel that show the whole map.
struct PerPixel {
  double key, query;
};

PerPixel fittedPerPixel(const MapFrame& frame) {
  const double shape = cellShape(frame);
  const double query = frame.tokens / std::min(frame.height, frame.width / shape);
  return {query / shape, query};
}

TokenWindow around(double key, double query, double keys, double queries) {
  return {key - keys / 2, key + keys / 2, query - queries / 2, query + queries / 2};
}

}  // namespace

double cellShape(const MapFrame& frame) {
  return std::clamp(frame.width / frame.height, 1 / frame.stretch, frame.stretch);
}

TokenWindow fitted(const MapFrame& frame) {
  const double shape = cellShape(frame), side = std::min(frame.height, frame.width / shape);
  return around(frame.tokens / 2, frame.tokens / 2, frame.tokens * (frame.width / (side * shape)),
                frame.tokens * (frame.height / side));
}

TokenWindow allowed(const TokenWindow& window, const MapFrame& frame) {
  const PerPixel whole = fittedPerPixel(frame);
  // The tighter direction determines the cell size, so that the whole window stays visible.
  const double wanted =
      std::max(window.keys() / (frame.width * whole.key), window.queries() / (frame.height * whole.query));
  const double zoom = std::clamp(wanted, std::min(kFewestTokens, frame.tokens) / frame.tokens,
                                 std::max(frame.tokens, kFewestTokens) * kFarthest / frame.tokens);
  const double key = std::clamp((window.key_begin + window.key_end) / 2, 0.0, frame.tokens);
  const double query = std::clamp((window.query_begin + window.query_end) / 2, 0.0, frame.tokens);
  return around(key, query, frame.width * whole.key * zoom, frame.height * whole.query * zoom);
}

TokenWindow zoomed(const TokenWindow& window, double factor, double key, double query) {
  const auto towards = [factor](double edge, double point) { return point + (edge - point) / factor; };
  return {towards(window.key_begin, key), towards(window.key_end, key), towards(window.query_begin, query),
          towards(window.query_end, query)};
}

TokenWindow zoomedAlongDiagonal(const TokenWindow& window, double factor, double key, double query) {
  const double point = (key + query) / 2;
  const auto share = [](double begin, double length, double at) {
    return std::clamp((at - begin) / length, kEdge, 1 - kEdge);
  };
  const double keys = window.keys() / factor, queries = window.queries() / factor;
  const double key_begin = point - share(window.key_begin, window.keys(), point) * keys;
  const double query_begin = point - share(window.query_begin, window.queries(), point) * queries;
  return {key_begin, key_begin + keys, query_begin, query_begin + queries};
}

TokenWindow moved(const TokenWindow& window, double keys, double queries) {
  return {window.key_begin + keys, window.key_end + keys, window.query_begin + queries, window.query_end + queries};
}

TokenWindow boxed(double key_a, double query_a, double key_b, double query_b, const MapFrame& frame) {
  const auto [left, right] = std::minmax(key_a, key_b);
  const auto [top, bottom] = std::minmax(query_a, query_b);
  return allowed({left, right, top, bottom}, frame);
}

void ZoomHistory::start(const TokenWindow& window) {
  m_windows = {window};
  m_at = 0;
  m_merging = false;
}

void ZoomHistory::push(const TokenWindow& window, bool merge) {
  if (merge && m_merging && m_at > 0) {
    m_windows[m_at] = window;
    return;
  }
  m_merging = merge;
  if (window == m_windows[m_at]) return;
  m_windows.resize(m_at + 1);
  m_windows.push_back(window);
  if (m_windows.size() > kMost) m_windows.erase(m_windows.begin());
  m_at = m_windows.size() - 1;
}

const TokenWindow& ZoomHistory::back() {
  m_merging = false;
  if (m_at > 0) --m_at;
  return m_windows[m_at];
}

const TokenWindow& ZoomHistory::forward() {
  m_merging = false;
  if (canGoForward()) ++m_at;
  return m_windows[m_at];
}

}  // namespace kvatlas::views
