// The handle at an edge of the map: folds the panels of that side away and brings them back.
#pragma once

#include <QToolButton>

namespace kvatlas::app {

class EdgeHandle : public QToolButton {
  Q_OBJECT

 public:
  explicit EdgeHandle(Qt::DockWidgetArea area, QWidget* parent = nullptr);

  [[nodiscard]] Qt::DockWidgetArea area() const { return m_area; }
  void setFolded(bool folded);  // turns the arrow and the tooltip
  [[nodiscard]] QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  Qt::DockWidgetArea m_area;
  bool m_folded = false;
};

}  // namespace kvatlas::app
