// Moving about a map: fit, zoom at a point, along the diagonal, pan, and the way back; numbers only, no events.
#pragma once

#include <cstdint>
#include <vector>

#include "views/models/map/tile_pyramid.h"

namespace kvatlas::views {

// What a window may be: the map's size and the shape of the widget. Cells stay square.
struct MapFrame {
  double tokens = 0;
  double width = 1, height = 1;  // pixels
};

// The whole map, centred.
[[nodiscard]] TokenWindow fitted(const MapFrame& frame);
// The nearest window a person may see: square cells, not closer than 8 tokens, not further than a little more than all,
// its centre on the map.
[[nodiscard]] TokenWindow allowed(const TokenWindow& window, const MapFrame& frame);
// factor > 1 comes closer; the point stays where it is on screen.
[[nodiscard]] TokenWindow zoomed(const TokenWindow& window, double factor, double key, double query);
// Zooms at the point of the diagonal nearest to (key, query) and brings it into view.
[[nodiscard]] TokenWindow zoomedAlongDiagonal(const TokenWindow& window, double factor, double key, double query);
[[nodiscard]] TokenWindow moved(const TokenWindow& window, double keys, double queries);
// The smallest window around a box; the box is centred where cells must stay square.
[[nodiscard]] TokenWindow boxed(double key_a, double query_a, double key_b, double query_b, const MapFrame& frame);

// The windows a person came from. Steps of one gesture count as one.
class ZoomHistory {
 public:
  void start(const TokenWindow& window);             // forgets everything
  void push(const TokenWindow& window, bool merge);  // merge: replaces the last one if that was merged, too
  void endGesture() { m_merging = false; }
  [[nodiscard]] bool canGoBack() const { return m_at > 0; }
  [[nodiscard]] bool canGoForward() const { return m_at + 1 < m_windows.size(); }
  const TokenWindow& back();  // the current one when there is none before
  const TokenWindow& forward();

 private:
  static constexpr std::size_t kMost = 200;
  std::vector<TokenWindow> m_windows = {TokenWindow{}};
  std::size_t m_at = 0;
  bool m_merging = false;
};

}  // namespace kvatlas::views
