// Ties a map view to a document and the selection: what is selected is shown, with its tracks, strips and spans; what
// the mouse and keys do goes back to the selection. Knows no page.
#pragma once

#include <QObject>
#include <QThreadPool>
#include <QTimer>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/models/map/tile_source.h"
#include "views/plots/map/map_view.h"

namespace kvatlas::views {

class MapBinding : public QObject {
  Q_OBJECT
 public:
  // All of them must outlive it. A view that was hidden by its parent is brought up to date when it is shown.
  MapBinding(Document& document, Selection& selection, TileSource& tiles, MapView& view);

  // How the two runs of the selection (focus, compare), or two traces, are put together.
  void setPictureSides(PictureSides sides);
  [[nodiscard]] PictureSides pictureSides() const { return m_sides; }
  // A second trace of the same tokens to compare with; null: none, then the runs are compared.
  void setOther(TileSource* tiles, const QString& name = {});
  // Whether the columns that the run in focus evicts are dimmed.
  void setEvictionShown(bool shown);
  // Swaps the two sides, as blinking does.
  void blink();

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  [[nodiscard]] bool deferred();
  [[nodiscard]] std::string nameOf(RunId run) const;
  void showPicture();
  void showTracks();
  void showStrips();
  void showAll();
  [[nodiscard]] std::shared_ptr<const PositionCounts> keptOf(RunId run);

  Document& m_document;
  Selection& m_selection;
  TileSource& m_tiles;
  MapView& m_view;
  QPointer<TileSource> m_other;
  PictureSides m_sides = PictureSides::OnlyA;
  bool m_eviction = true;
  QString m_other_name;
  bool m_stale = false;  // something changed while the view was hidden
  GroupId m_group = 0;
  QTimer m_strips;                   // many runs become ready one after the other
  std::uint64_t m_strips_asked = 0;  // what is older is dropped
  QThreadPool m_strip_maker;         // last: it ends before what its answers touch
};

}  // namespace kvatlas::views
