// Binds a map view to a document and its selection: shows the selected map with tracks, strips and spans, and passes
// mouse and key input back to the selection.
#pragma once

#include <QObject>
#include <QThreadPool>
#include <QTimer>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/models/items/inspector.h"
#include "views/models/map/tile_source.h"
#include "views/plots/map/map_view.h"

namespace kvatlas::views {

class MapBinding : public QObject {
  Q_OBJECT
 public:
  // All arguments must outlive it. A view that its parent has hidden updates when it is shown.
  MapBinding(Document& document, Selection& selection, TileSource& tiles, MapView& view);

  // How the map combines the two runs of the selection (focus, compare), or two traces.
  void setPictureSides(PictureSides sides);
  [[nodiscard]] PictureSides pictureSides() const { return m_sides; }
  // A second trace of the same tokens to compare with; null: compares the runs.
  void setOther(TileSource* tiles, const QString& name = {});
  // Whether to dim the columns that the focused run evicts.
  void setEvictionShown(bool shown);
  // false: reads neither signals nor strips, for views that hide their tracks.
  void setTracksWanted(bool wanted) { m_tracks_wanted = wanted; }
  // Switches between side A and side B.
  void blink();

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  [[nodiscard]] bool deferred();
  [[nodiscard]] std::string nameOf(RunId run) const;
  void showPicture();
  void showTracks();
  void showStrips();
  void showTokenText();
  [[nodiscard]] CursorReadout readout(const Cell& cell);
  [[nodiscard]] QString fate(RunId run, const QString& side, TokenIndex key);
  void describeStrip(std::size_t strip, std::optional<TokenIndex> key, const QPoint& global);
  void showStripMenu(std::size_t strip, const QPoint& global);
  [[nodiscard]] RunId stripRun(std::size_t strip) const;
  void showAll();
  [[nodiscard]] std::shared_ptr<const PositionCounts> keptOf(RunId run);

  Document& m_document;
  Selection& m_selection;
  TileSource& m_tiles;
  MapView& m_view;
  QPointer<TileSource> m_other;
  PictureSides m_sides = PictureSides::OnlyA;
  bool m_eviction = true, m_tracks_wanted = true;
  QString m_other_name;
  bool m_stale = false;  // something changed while the view was hidden
  GroupId m_group = 0;
  QTimer m_strips;                     // coalesces updates while runs become ready
  std::uint64_t m_strips_request = 0;  // drops older results
  std::vector<RunId> m_strip_runs;     // the runs of the shown strips
  QThreadPool m_strip_maker;           // last: destroyed before the members its results use
};

}  // namespace kvatlas::views
