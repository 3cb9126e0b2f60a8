// The middle of the window: the map of the selected layer and head with its tracks, alone or compared with another run,
// and the bar that chooses what it shows. Knows document and selection.
#pragma once

#include <QTimer>
#include <QWidget>

#include "views/models/document.h"
#include "views/models/selection.h"
#include "views/models/tile_cache.h"
#include "views/plots/map_binding.h"
#include "views/plots/map_view.h"

class QComboBox;
class QSpinBox;
class QToolBar;

namespace kvatlas::views {

// How the runs in focus and in comparison are shown; Single shows the focus alone.
enum class PaneMode { Single, SideBySide, Split, Blink, Difference };

class MapPage : public QWidget {
  Q_OBJECT

 public:
  MapPage(Document& document, Selection& selection, QWidget* parent = nullptr);
  ~MapPage() override;

  [[nodiscard]] MapView& view() { return *m_views[0]; }
  [[nodiscard]] MapView& secondView() { return *m_views[1]; }
  [[nodiscard]] TileCache& tiles() { return m_tiles; }
  // What an export of the screen draws: the map, or both panes side by side.
  [[nodiscard]] QWidget* shownView() const { return m_panes; }
  [[nodiscard]] bool settled() const;  // nothing it shows is on its way
  [[nodiscard]] PaneMode mode() const { return m_mode; }
  [[nodiscard]] QString statusText() const;  // "1 cell = 4 tokens, max · probability, log"

 public slots:
  // Of a comparison only once there is a run to compare with: the first other one is taken where none is chosen.
  void setMode(kvatlas::views::PaneMode mode);

 signals:
  void statusChanged();
  void modeChanged();

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void makeBar();
  void linkViews();
  void showSelection();
  void showMode();
  void shareRange();
  [[nodiscard]] bool comparing() const;

  Document& m_document;
  Selection& m_selection;
  TileCache m_tiles;
  QToolBar* m_bar;
  QSpinBox* m_layer;
  QComboBox *m_head, *m_reduction, *m_mode_box, *m_compare;
  QWidget* m_panes;
  MapView* m_views[2];
  MapBinding* m_bindings[2];
  PaneMode m_mode = PaneMode::Single;
  QTimer m_blink;
  bool m_linking = false, m_filling = false;
};

// Every head choice a model has, in the order of a list.
[[nodiscard]] std::vector<HeadChoice> headChoices(const trace::ModelInfo& model);

}  // namespace kvatlas::views
