// Draws a score as a number on a shade: the higher, the darker; hatched without a case.
#pragma once

#include <QStyledItemDelegate>

namespace kvatlas::views {

class ScoreDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

}  // namespace kvatlas::views
