// Navigation in a map: fit, zoom at a point or along the diagonal, pan, and history.
#pragma once

#include <cstdint>
#include <vector>

#include "views/models/map/tile_pyramid.h"

namespace kvatlas::views {

// Constraints of a window: the map's size and the widget's shape.
struct MapFrame {
  double tokens = 0;
  double width = 1, height = 1;  // pixels
  double stretch = 1;            // a cell may be this much longer than it is short, so that the map fills the widget
};
// Width / height of a cell in pixels: 1 for square cells, else within 1/stretch … stretch.
[[nodiscard]] double cellShape(const MapFrame& frame);

// Shows the whole map, centred.
[[nodiscard]] TokenWindow fitted(const MapFrame& frame);
// Clamps a window: cells of the frame's shape, at least 8 tokens, at most slightly more than the whole map, centre on
// the map.
[[nodiscard]] TokenWindow allowed(const TokenWindow& window, const MapFrame& frame);
// factor > 1 zooms in; the point keeps its place on screen.
[[nodiscard]] TokenWindow zoomed(const TokenWindow& window, double factor, double key, double query);
// Zooms at the point of the diagonal nearest to (key, query) and brings it into view.
[[nodiscard]] TokenWindow zoomedAlongDiagonal(const TokenWindow& window, double factor, double key, double query);
[[nodiscard]] TokenWindow moved(const TokenWindow& window, double keys, double queries);
// The smallest window with cells of that shape around a box, centred on it.
[[nodiscard]] TokenWindow boxed(double key_a, double query_a, double key_b, double query_b, const MapFrame& frame);

// Back and forward history of windows. Steps of one gesture count as one.
class ZoomHistory {
 public:
  void start(const TokenWindow& window);             // clears the history
  void push(const TokenWindow& window, bool merge);  // merge: replaces the last one if that was merged too
  void endGesture() { m_merging = false; }
  [[nodiscard]] bool canGoBack() const { return m_at > 0; }
  [[nodiscard]] bool canGoForward() const { return m_at + 1 < m_windows.size(); }
  const TokenWindow& back();  // the current one if there is no previous one
  const TokenWindow& forward();

 private:
  static constexpr std::size_t kMost = 200;
  std::vector<TokenWindow> m_windows = {TokenWindow{}};
  std::size_t m_at = 0;
  bool m_merging = false;
};

}  // namespace kvatlas::views
