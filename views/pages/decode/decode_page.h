// The decode phase: a step slider, a table of the runs' generated text,
// and the focused run's cached and attended tokens.
#pragma once

#include "views/models/items/decode_attended.h"
#include "views/pages/resting_page.h"

class QLabel;
class QSlider;
class QSpinBox;
class QTreeWidget;
class QTreeWidgetItem;

namespace kvatlas::views {

class DecodeKeys;
class DecodeTimeline;

class DecodePage : public RestingPage {
  Q_OBJECT

 public:
  DecodePage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] QTreeWidget& table() { return *m_table; }
  [[nodiscard]] QSlider& slider() { return *m_slider; }
  [[nodiscard]] DecodeTimeline& timeline() { return *m_timeline; }
  [[nodiscard]] DecodeKeys& keys() { return *m_keys; }
  // One row per run and step; attended keys of the focused run in the selected layer and heads, if already loaded.
  [[nodiscard]] QString csv();

 protected:
  void fill() override;

 private:
  void fillRow(QTreeWidgetItem& item, const RunView& view) const;
  [[nodiscard]] QString evictedText(const RunView& view, std::uint32_t step) const;
  [[nodiscard]] int steps() const;
  [[nodiscard]] QString focusText() const;
  [[nodiscard]] QString attendedCells(RunId run, std::size_t step);

  Document& m_document;
  Selection& m_selection;
  QSlider* m_slider;
  QSpinBox* m_spin;
  QLabel* m_note;
  QTreeWidget* m_table;
  DecodeAttended m_attended;
  DecodeTimeline* m_timeline;
  DecodeKeys* m_keys;
};

// Mean over layers and query heads of one step of [T, layers, heads] values; NaN if out of range.
[[nodiscard]] double meanAtStep(const std::vector<float>& values, std::size_t step, std::size_t row);

}  // namespace kvatlas::views
