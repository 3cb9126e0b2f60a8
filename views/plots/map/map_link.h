// Links two maps side by side: shared window and shared crosshair, each optional.
#pragma once

#include <QObject>

#include "views/plots/map/map_view.h"

namespace kvatlas::views {

class MapLink : public QObject {
  Q_OBJECT
 public:
  // Both must outlive it. The second map adopts the window of the first.
  MapLink(MapView& first, MapView& second, QObject* parent = nullptr);
  void setWindowsLocked(bool locked);
  void setCursorsLocked(bool locked) { m_cursors = locked; }
  [[nodiscard]] bool windowsLocked() const { return m_windows; }

 private:
  void tie(MapView& from, MapView& to);
  void copyWindow(const MapView& from, MapView& to);

  MapView& m_first;
  MapView& m_second;
  bool m_windows = true, m_cursors = true, m_copying = false;
};

}  // namespace kvatlas::views
