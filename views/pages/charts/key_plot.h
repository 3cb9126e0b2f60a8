// A plot for the keyboard as well as the mouse: Tab reaches and leaves it, arrow keys move from point to point, Return
// chooses one. The words of a point stand beside it and go to screen readers.
#pragma once

#include <qcustomplot.h>

#include <optional>

namespace kvatlas::views {

class KeyPlot : public QCustomPlot {
  Q_OBJECT

 public:
  explicit KeyPlot(QWidget* parent = nullptr);

  // Says what a point is, at a place on the screen; empty: says nothing.
  void tell(const QString& words, const QPoint& global);

 protected:
  // Steps of the arrow keys; a large step has a tenth of the plot's points. `fine`: with Shift.
  struct Step {
    int across = 0, down = 0;
    bool large = false, fine = false;
  };
  virtual void step(const Step& step) = 0;
  virtual void stepToEnd(bool last) = 0;
  virtual void pick() = 0;
  [[nodiscard]] virtual std::optional<QPointF> keyPoint() const = 0;  // pixels; empty: no point yet

  void keyPressEvent(QKeyEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
};

}  // namespace kvatlas::views
