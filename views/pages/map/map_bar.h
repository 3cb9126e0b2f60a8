// Toolbar above the map: layer, heads, reduction, comparison run and comparison mode.
#pragma once

#include <QToolBar>
#include <vector>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/models/map/map_colours.h"
#include "views/pages/map/pane_mode.h"

class QComboBox;
class QSlider;
class QSpinBox;

namespace kvatlas::views {

class MapBar : public QToolBar {
  Q_OBJECT

 public:
  MapBar(Document& document, Selection& selection, QWidget* parent = nullptr);

  void setMode(PaneMode mode);
  void setOtherName(const QString& name);           // of a second trace; empty: none open
  void showViews(int count, int spread);            // as in viewsChosen; emits no signal
  void showColours(const ColourSettings& colours);  // the eviction overlay in them

 signals:
  void modeChosen(kvatlas::views::PaneMode mode);
  void viewsChosen(int count, int spread);  // 1, 2, 4, 9 maps; spread: MapMosaic::Spread
  void overlayChanged(kvatlas::views::EvictionStyle style, double opacity);
  void otherDropped();  // the user chose a run instead of the second trace

 private:
  void makeFields();
  void showSelection();
  void fillHeads();
  void fillCompare();
  void makeOverlay();
  void makeViews();
  void changeOverlay();

  Document& m_document;
  Selection& m_selection;
  QSpinBox* m_layer;
  QComboBox *m_head, *m_reduction, *m_mode, *m_compare, *m_overlay, *m_views, *m_spread;
  QSlider* m_opacity;
  QAction* m_spread_shown = nullptr;
  QString m_other;
  bool m_filling = false;
};

// Every head choice of a model, in list order.
[[nodiscard]] std::vector<HeadChoice> headChoices(const trace::ModelInfo& model);

}  // namespace kvatlas::views
