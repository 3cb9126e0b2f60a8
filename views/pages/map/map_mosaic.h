// Several maps side by side that move together: heads of a layer, layers of a head, or runs. Each pane has a selection
// of its own that follows the window's.
#pragma once

#include <QWidget>
#include <memory>
#include <vector>

#include "views/models/map/tile_source.h"
#include "views/pages/map/map_binding.h"

class QGridLayout;
class QToolButton;

namespace kvatlas::views {

class MapMosaic : public QWidget {
  Q_OBJECT

 public:
  enum class Spread { Heads, Layers, Runs };

  MapMosaic(Document& document, Selection& selection, TileSource& tiles, QWidget* parent = nullptr);

  void setCount(int panes);  // 0, 2, 4 or 9
  [[nodiscard]] int count() const { return static_cast<int>(m_panes.size()); }
  void setSpread(Spread spread);
  void setColours(const ColourSettings& colours);
  void setTheme(Theme theme);
  void setStretch(double stretch);
  void setReadoutShown(bool shown);
  void fit();
  [[nodiscard]] MapView& view(int pane) { return *m_panes.at(static_cast<std::size_t>(pane)).view; }
  [[nodiscard]] const Selection& selection(int pane) const {
    return *m_panes.at(static_cast<std::size_t>(pane)).selection;
  }
  [[nodiscard]] bool settled() const;

 signals:
  void drawn();

 private:
  struct Pane {
    std::unique_ptr<Selection> selection;
    QWidget* frame;
    QToolButton* title;
    MapView* view;
  };
  void add();
  void follow();
  void choose(const Selection& pane);
  void copyWindow(const MapView& from);
  [[nodiscard]] QString titleOf(const Selection& pane) const;

  Document& m_document;
  Selection& m_selection;
  TileSource& m_tiles;
  QGridLayout* m_grid;
  std::vector<Pane> m_panes;
  Spread m_spread = Spread::Heads;
  ColourSettings m_colours;
  Theme m_theme = Theme::Light;
  double m_stretch = 1;
  bool m_copying = false;
};

}  // namespace kvatlas::views
