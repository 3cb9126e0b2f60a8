// Keeps the maps of a page at the whole map, or at a requested window, while they are shown, hidden and resized: until
// the user pans or zooms.
#pragma once

#include <QObject>
#include <QPointer>
#include <optional>
#include <vector>

#include "views/plots/map/map_view.h"

namespace kvatlas::views {

// Whether a map shows all its tokens, as after MapView::fit().
[[nodiscard]] bool showsWhole(const MapView& view);

class PaneWindows : public QObject {
  Q_OBJECT

 public:
  explicit PaneWindows(QObject* parent);

  void add(MapView& view);  // until it is destroyed
  void show(const TokenWindow& window);
  void reset();  // the whole map; resizes nothing by itself
  void fit();    // every shown map to the whole map or the requested window
  void fitSoon();

 signals:
  void fittingChanged(bool fitting);  // while true, a map adapts to its size: no change that others should follow

 private:
  [[nodiscard]] std::optional<TokenWindow> wantedOf(const MapView& view) const;
  void setFitting(bool fitting);

  std::vector<QPointer<MapView>> m_views;
  bool m_whole = true;                  // the user views the whole map
  std::optional<TokenWindow> m_wanted;  // the requested window
  bool m_fitting = false, m_fit_soon = false;
  int m_drawing = 0;
};

}  // namespace kvatlas::views
