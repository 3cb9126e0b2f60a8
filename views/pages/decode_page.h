// What every run generated, and what it held at each generated token: a step slider over a table of runs. Knows
// document and selection.
#pragma once

#include <QTimer>
#include <QWidget>

#include "views/models/document.h"
#include "views/models/selection.h"

class QLabel;
class QSlider;
class QSpinBox;
class QTreeWidget;
class QTreeWidgetItem;

namespace kvatlas::views {

class DecodeTimeline;

class DecodePage : public QWidget {
  Q_OBJECT

 public:
  DecodePage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] QTreeWidget& table() { return *m_table; }
  [[nodiscard]] QSlider& slider() { return *m_slider; }
  [[nodiscard]] DecodeTimeline& timeline() { return *m_timeline; }
  [[nodiscard]] QString csv() const;
  void updateNow();

 protected:
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void refill();
  void fillRow(QTreeWidgetItem& item, const RunView& view) const;
  [[nodiscard]] int steps() const;

  Document& m_document;
  Selection& m_selection;
  QSlider* m_slider;
  QSpinBox* m_spin;
  QLabel* m_note;
  QTreeWidget* m_table;
  DecodeTimeline* m_timeline;
  QTimer m_timer;
  bool m_stale = true;
};

// Mean over layers and query heads of one step of [T, layers, heads] values; NaN where there are none.
[[nodiscard]] double meanAtStep(const std::vector<float>& values, std::size_t step, std::size_t row);

}  // namespace kvatlas::views
