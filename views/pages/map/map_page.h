// The middle of the window: the map of the selected layer and head with its tracks, alone or compared with another run
// or trace, its colours, and the bar that chooses what it shows. Knows document and selection.
#pragma once

#include <QTimer>
#include <QWidget>

#include "views/models/document/document.h"
#include "views/models/document/other_trace.h"
#include "views/models/document/selection.h"
#include "views/models/map/tile_cache.h"
#include "views/pages/map/map_binding.h"
#include "views/pages/map/pane_mode.h"
#include "views/plots/map/map_view.h"

namespace kvatlas::views {

class ColourScaleBar;
class MapBar;
class MapLink;

class MapPage : public QWidget {
  Q_OBJECT

 public:
  MapPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] MapView& view() { return *m_views[0]; }
  [[nodiscard]] MapView& secondView() { return *m_views[1]; }
  [[nodiscard]] TileCache& tiles() { return m_tiles; }
  [[nodiscard]] OtherTrace& other() { return m_other; }
  [[nodiscard]] ColourScaleBar& scaleBar() { return *m_scale; }
  // What an export of the screen draws: the map or both panes, and their colours.
  [[nodiscard]] QWidget* shownView() const { return m_panes; }
  [[nodiscard]] bool settled() const;  // nothing it shows is on its way
  [[nodiscard]] PaneMode mode() const { return m_mode; }
  // The cells in sight of the pane that has the focus, or of the first.
  [[nodiscard]] QString csv() const;
  void setCaptionShown(bool shown);
  [[nodiscard]] QString statusText() const;  // "1 cell = 4 tokens, max · probability, log"
  [[nodiscard]] const ColourSettings& colours() const;
  void setColours(const ColourSettings& colours);
  // Holds until the person moves, whatever sizes the panes get meanwhile.
  void showWindow(const TokenWindow& window);

 public slots:
  // Of a comparison only once there is something to compare with: the first other run is taken where none is chosen.
  void setMode(kvatlas::views::PaneMode mode);

 signals:
  void statusChanged();
  void modeChanged();
  void coloursChanged();
  void failed(const QString& message);  // the second trace cannot be compared

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void buildLayout();
  void linkViews();
  void holdCursor();
  void showMode();
  void fitPanes();
  void watchPane(MapView& view);
  [[nodiscard]] std::optional<TokenWindow> wantedOf(const MapView& view) const;
  void showOther();
  void shareRange();
  [[nodiscard]] bool comparing() const;

  Document& m_document;
  Selection& m_selection;
  TileCache m_tiles;
  OtherTrace m_other;
  MapBar* m_bar;
  QWidget* m_panes;
  MapView* m_views[2];
  MapBinding* m_bindings[2];
  MapLink* m_link;
  ColourScaleBar* m_scale;
  PaneMode m_mode = PaneMode::Single;
  QTimer m_blink, m_histogram;
  std::optional<Cell> m_held, m_hovered;
  bool m_whole = true;                  // the person looks at the whole map
  std::optional<TokenWindow> m_wanted;  // or at what a view state asked for
  bool m_fitting = false;
  int m_drawing = 0;
};

}  // namespace kvatlas::views
