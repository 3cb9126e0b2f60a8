// One of several linked maps: a map with a selection of its own, which follows the window's but for the layer, heads or
// run that the user chose for this map alone.
#pragma once

#include <QWidget>
#include <memory>
#include <optional>

#include "views/models/document/selection.h"
#include "views/models/map/tile_source.h"
#include "views/plots/map/map_view.h"

class QMenu;
class QToolButton;

namespace kvatlas::views {

class MapPane : public QWidget {
  Q_OBJECT

 public:
  struct Own {
    std::optional<LayerIndex> layer;
    std::optional<HeadChoice> head;
    std::optional<RunId> run;
    [[nodiscard]] bool any() const { return layer || head || run; }
    friend bool operator==(const Own&, const Own&) = default;
  };

  // `number`: of the map, from 0. Document, selection and tiles must outlive it.
  MapPane(std::size_t number, Document& document, const Selection& window, TileSource& tiles, QWidget* parent);
  ~MapPane() override;

  [[nodiscard]] MapView& view() { return *m_view; }
  [[nodiscard]] const MapView& view() const { return *m_view; }
  [[nodiscard]] Selection& selection() { return *m_selection; }
  [[nodiscard]] const Selection& selection() const { return *m_selection; }
  [[nodiscard]] const Own& own() const { return m_own; }
  void setOwn(const Own& own);
  // Shows these, except where the map has its own.
  void follow(LayerIndex layer, HeadChoice head, RunId run);
  void markChosen();  // whether it shows what the window has selected
  // Runs, layers and heads to choose for this map alone.
  void fillMenu(QMenu& menu);

 signals:
  void chosen();
  void ownChanged();
  void layerStepped(int by);  // a layer or head that follows the window's
  void headStepped(int by);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void makeTitle();
  void makeView(TileSource& tiles);
  void fillRuns(QMenu& menu);
  void fillLayers(QMenu& menu);
  void fillHeads(QMenu& menu);
  void showTitle();
  template <class Value>
  void addChoice(QMenu& menu, const QString& text, std::optional<Value> Own::*member, Value value, Value shown);
  [[nodiscard]] QString titleText() const;

  std::size_t m_number;
  Document& m_document;
  const Selection& m_window;
  std::unique_ptr<Selection> m_selection;
  QToolButton* m_title;
  MapView* m_view;
  Own m_own;
};

}  // namespace kvatlas::views
