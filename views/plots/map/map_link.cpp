#include "views/plots/map/map_link.h"

namespace kvatlas::views {

MapLink::MapLink(MapView& first, MapView& second, QObject* parent) : QObject(parent), m_first(first), m_second(second) {
  tie(first, second);
  tie(second, first);
  copyWindow(first, second);
}

void MapLink::tie(MapView& from, MapView& to) {
  connect(&from, &MapView::windowChanged, this, [this, &from, &to] { copyWindow(from, to); });
  connect(&from, &MapView::cursorMoved, this, [this, &to](std::optional<Cell> cell) {
    if (m_cursors) to.setCursor(cell);
  });
}

// Does not send a window back to the map it came from.
void MapLink::copyWindow(const MapView& from, MapView& to) {
  if (!m_windows || m_copying) return;
  m_copying = true;
  to.setWindow(from.window(), MapView::Step::Gesture);
  m_copying = false;
}

void MapLink::setWindowsLocked(bool locked) {
  m_windows = locked;
  copyWindow(m_first, m_second);
}

}  // namespace kvatlas::views
