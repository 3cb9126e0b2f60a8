// How much of a named span every run keeps, layer by layer: where a run loses the needle.
#pragma once

#include "views/pages/charts/run_chart.h"

class QComboBox;

namespace kvatlas::views {

class SpanChart : public RunChart {
  Q_OBJECT
 public:
  SpanChart(Document& document, Selection& selection, QWidget* parent = nullptr);

 protected:
  void fillLines() override;
  void choose(const ChartPoint& point) override;
  void follow() override;
  [[nodiscard]] QString describe(const ChartPoint& point) const override;

 private:
  void fillSpans();
  [[nodiscard]] const trace::Span* span() const;  // null: none is named

  QComboBox* m_span;
};

// Share of a span's tokens that a run keeps, per layer: mean over its stored heads.
[[nodiscard]] std::vector<double> keptOfSpan(const RunView& view, const trace::Span& span);

}  // namespace kvatlas::views
