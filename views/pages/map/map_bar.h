// The bar over the map: layer, heads, reduction, and what is compared how. Knows document and selection, no map.
#pragma once

#include <QToolBar>
#include <vector>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/pages/map/pane_mode.h"

class QComboBox;
class QSpinBox;

namespace kvatlas::views {

class MapBar : public QToolBar {
  Q_OBJECT

 public:
  MapBar(Document& document, Selection& selection, QWidget* parent = nullptr);

  void setMode(PaneMode mode);
  void setOtherName(const QString& name);  // of a second trace; empty: there is none

 signals:
  void modeChosen(kvatlas::views::PaneMode mode);
  void otherDropped();  // a run was chosen instead of the second trace

 private:
  void makeFields();
  void showSelection();
  void fillHeads();
  void fillCompare();

  Document& m_document;
  Selection& m_selection;
  QSpinBox* m_layer;
  QComboBox *m_head, *m_reduction, *m_mode, *m_compare;
  QString m_other;
  bool m_filling = false;
};

// Every head choice a model has, in the order of a list.
[[nodiscard]] std::vector<HeadChoice> headChoices(const trace::ModelInfo& model);

}  // namespace kvatlas::views
