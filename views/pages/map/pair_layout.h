// Layout of two maps: beside each other, or one above the other where that makes them larger.
#pragma once

#include <QBoxLayout>

namespace kvatlas::views {

class PairLayout : public QBoxLayout {
 public:
  PairLayout() : QBoxLayout(LeftToRight) {
    setContentsMargins(0, 0, 0, 0);
    setSpacing(2);
  }
  void setGeometry(const QRect& area) override {
    const Direction wanted = area.width() >= area.height() ? LeftToRight : TopToBottom;
    if (wanted != direction()) setDirection(wanted);
    QBoxLayout::setGeometry(area);
  }
};

}  // namespace kvatlas::views
