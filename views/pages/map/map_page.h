// The central page: the map of the selected layer and head with its tracks, alone or compared with another run or
// trace, with its toolbar and colour scale.
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
class CursorPin;
class MapBar;
class MapLink;
class MapMosaic;
class MapOverview;
class PaneWindows;

class MapPage : public QWidget {
  Q_OBJECT

 public:
  MapPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] MapView& view() { return *m_views[0]; }
  [[nodiscard]] MapView& secondView() { return *m_views[1]; }
  [[nodiscard]] TileCache& tiles() { return m_tiles; }
  [[nodiscard]] OtherTrace& other() { return m_other; }
  [[nodiscard]] ColourScaleBar& scaleBar() { return *m_scale; }
  // The widget an export draws: the map or both panes, and the colour scale.
  [[nodiscard]] QWidget* shownView() const { return m_panes; }
  [[nodiscard]] bool settled() const { return loaded() && !m_fit_pending; }  // nothing it shows is still loading
  [[nodiscard]] PaneMode mode() const { return m_mode; }
  // The visible cells of the map with the keyboard focus, else of the first one.
  [[nodiscard]] QString csv() const;
  void setCaptionShown(bool shown);
  void setReadoutShown(bool shown);          // what the crosshair says
  void setOverviewShown(bool shown);         // the whole map, small, under the colour scale
  [[nodiscard]] QString statusText() const;  // "1 cell = 4 tokens, max · probability, log"
  [[nodiscard]] const ColourSettings& colours() const;
  void setColours(const ColourSettings& colours);
  // Stays in effect until the user pans or zooms, even if the panes are resized.
  void showWindow(const TokenWindow& window);
  // Fits the colour limits once to what the map shows, as soon as it has loaded.
  void fitColoursOnceLoaded();
  void reveal(const Cell& cell);         // moves the window if the cell is outside
  void setViews(int count, int spread);  // 1: one map; else a mosaic, spread: MapMosaic::Spread
  [[nodiscard]] int views() const;       // 1, or the maps of the mosaic
  [[nodiscard]] MapMosaic& mosaic() { return *m_mosaic; }
  [[nodiscard]] const MapMosaic& mosaic() const { return *m_mosaic; }
  [[nodiscard]] MapView& frontView() const;  // the map, or one of the linked maps
  void fit();
  void setBare(bool bare);           // true: only maps and colour scale
  void setSquareCells(bool square);  // false: cells stretch so that the map fills its space

 public slots:
  // A comparison without a compare run picks the first other run.
  void setMode(kvatlas::views::PaneMode mode);

 signals:
  void statusChanged();
  void modeChanged();
  void coloursChanged();
  void failed(const QString& message);                                  // the second trace cannot be compared
  void noted(const QString& message);                                   // a request that cannot be met as it was made
  void spanWanted(kvatlas::TokenIndex begin, kvatlas::TokenIndex end);  // the user wants to name these tokens

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void buildLayout();
  void updateHistogram();
  void showColours();
  void fitFirst();
  void showMenu(const QPoint& global, std::optional<Cell> cell);
  [[nodiscard]] bool loaded() const;
  void linkViews();
  void makeButtons();
  void linkMosaic();
  void linkBar();
  void showMode();
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
  MapMosaic* m_mosaic;
  bool m_many = false;  // the mosaic is shown
  MapBinding* m_bindings[2];
  MapLink* m_link;
  PaneWindows* m_windows;
  CursorPin* m_pin;
  ColourScaleBar* m_scale;
  MapOverview* m_overview;
  ColourSettings m_colours;
  PaneMode m_mode = PaneMode::Single;
  QTimer m_blink, m_histogram;
  bool m_fit_pending = false, m_bare = false, m_readout = true;
};

}  // namespace kvatlas::views
