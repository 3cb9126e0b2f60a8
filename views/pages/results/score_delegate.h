// Draws a score as a number on a shade: the higher, the darker; hatched without a case.
#pragma once

#include <QStyledItemDelegate>

namespace kvatlas::views {

class ScoreDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  // framed: a selected cell has a frame; a row's selection is shown by its other columns.
  ScoreDelegate(bool framed, QObject* parent) : QStyledItemDelegate(parent), m_framed(framed) {}
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 private:
  bool m_framed;
};

}  // namespace kvatlas::views
