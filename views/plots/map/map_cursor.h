// The crosshair over a map and its tracks, and the zoom box; on a separate layer, so that moving it redraws
// nothing else.
#pragma once

#include <qcustomplot.h>

#include <optional>
#include <vector>

#include "views/models/document/cell.h"
#include "views/models/palette.h"

namespace kvatlas::views {

// What the crosshair says about its cell.
struct CursorReadout {
  QStringList place, value;  // the two tokens; probability and what the runs do with the key
  QString brief;             // for maps too small for them
  friend bool operator==(const CursorReadout&, const CursorReadout&) = default;
};

class MapCursor : public QCPAbstractItem {
 public:
  // `layer` should be buffered.
  MapCursor(QCPAxisRect* map, const QString& layer);

  void setCell(std::optional<Cell> cell) { m_cell = cell; }
  void setReadout(CursorReadout readout) { m_readout = std::move(readout); }
  [[nodiscard]] const CursorReadout& readout() const { return m_readout; }
  void setBox(const QRect& box) { m_box = box; }  // pixels; null: none
  void setTheme(Theme theme) { m_theme = theme; }
  // Tracks that the crosshair also crosses: along keys (above the map), along queries (beside it).
  void setTracks(std::vector<QCPAxisRect*> along_keys, std::vector<QCPAxisRect*> along_queries);
  [[nodiscard]] std::optional<Cell> cell() const { return m_cell; }

  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

 protected:
  void draw(QCPPainter* painter) override;

 private:
  void drawReadout(QCPPainter& painter, const QPointF& at) const;
  [[nodiscard]] std::pair<QString, QRect> readoutIn(const QRect& area, const QFont& font) const;

  QCPAxisRect* m_map;
  CursorReadout m_readout;
  std::vector<QCPAxisRect*> m_along_keys, m_along_queries;
  std::optional<Cell> m_cell;
  QRect m_box;
  Theme m_theme = Theme::Light;
};

}  // namespace kvatlas::views
