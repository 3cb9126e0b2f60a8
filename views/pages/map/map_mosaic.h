// Several maps side by side that move together: heads of a layer, layers of a head, or runs, around what the window has
// selected. Any map can have a layer, heads or run of its own.
#pragma once

#include <QWidget>
#include <vector>

#include "views/models/map/tile_source.h"
#include "views/pages/map/map_pane.h"

class QGridLayout;

namespace kvatlas::views {

class MapMosaic : public QWidget {
  Q_OBJECT

 public:
  enum class Spread { Heads, Layers, Runs };

  MapMosaic(Document& document, Selection& selection, TileSource& tiles, QWidget* parent = nullptr);

  void setCount(int panes);  // 0, 2, 4 or 9
  [[nodiscard]] int count() const { return static_cast<int>(m_panes.size()); }
  void setSpread(Spread spread);
  [[nodiscard]] Spread spread() const { return m_spread; }
  // The own choices of every map; fewer or more than there are maps: the rest follows, or is left out.
  [[nodiscard]] std::vector<MapPane::Own> own() const;
  void setOwn(const std::vector<MapPane::Own>& own);
  void setColours(const ColourSettings& colours);
  void setTheme(Theme theme);
  void setStretch(double stretch);
  void setReadoutShown(bool shown);
  void setWindowsLocked(bool locked) { m_locked = locked; }  // false: the maps do not move together
  [[nodiscard]] MapPane& pane(int pane) { return *m_panes.at(static_cast<std::size_t>(pane)); }
  [[nodiscard]] MapView& view(int at) { return pane(at).view(); }
  [[nodiscard]] MapView& frontView();  // the one with the keyboard focus, else the first
  [[nodiscard]] const Selection& selection(int pane) const {
    return m_panes.at(static_cast<std::size_t>(pane))->selection();
  }
  [[nodiscard]] bool settled() const;

 signals:
  void drawn();
  void added(kvatlas::views::MapView* view);  // before it moves the cursor

 private:
  void add();
  void follow();
  [[nodiscard]] std::size_t firstShown(std::size_t at, std::size_t all);
  void followHeads();
  void followLayers();
  void followRuns();
  void choose(const MapPane& pane);
  void copyWindow(const MapView& from);

  Document& m_document;
  Selection& m_selection;
  TileSource& m_tiles;
  QGridLayout* m_grid;
  std::vector<MapPane*> m_panes;
  Spread m_spread = Spread::Heads;
  std::size_t m_first = 0;  // the first head, layer or run shown
  ColourSettings m_colours;
  Theme m_theme = Theme::Light;
  double m_stretch = 1;
  bool m_readout = true, m_locked = true, m_copying = false;
};

}  // namespace kvatlas::views
