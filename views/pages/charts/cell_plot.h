// A plot of cells, rows × positions of the prompt: which cell is under the pointer, or chosen by the keyboard.
#pragma once

#include <cstdint>

#include "views/pages/charts/key_plot.h"

namespace kvatlas::views {

struct PlotCell {
  std::uint64_t row = 0, position = 0;
  friend bool operator==(PlotCell, PlotCell) = default;
};

class CellPlot : public KeyPlot {
  Q_OBJECT

 public:
  using KeyPlot::KeyPlot;

  // Row r is drawn at y = r, position p from x = p to p + 1. Without cells there is nothing to point at.
  void setCells(std::uint64_t rows, std::uint64_t positions);
  // Where the arrow keys start.
  void setKeyCell(PlotCell cell);
  [[nodiscard]] std::optional<PlotCell> cellAt(const QPointF& pixel) const;

 signals:
  void pointed(kvatlas::views::PlotCell cell, QPoint global);  // by mouse or keyboard
  void left();                                                 // the pointer is beside the cells
  void picked(kvatlas::views::PlotCell cell);

 protected:
  void step(const Step& step) override;
  void stepToEnd(bool last) override;
  void pick() override;
  [[nodiscard]] std::optional<QPointF> keyPoint() const override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;

 private:
  void pointAtKeyCell();

  std::uint64_t m_rows = 0, m_positions = 0;
  PlotCell m_at;
};

}  // namespace kvatlas::views
