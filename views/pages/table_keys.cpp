#include "views/pages/table_keys.h"

#include <QAbstractItemView>
#include <QKeyEvent>
#include <utility>

namespace kvatlas::views {

TableKeys::TableKeys(QAbstractItemView& view, std::function<void(const QModelIndex&)> open)
    : QObject(&view), m_view(view), m_open(std::move(open)) {
  view.setTabKeyNavigation(false);
  view.installEventFilter(this);
}

bool TableKeys::eventFilter(QObject* watched, QEvent* event) {
  // A view in focus loses it in QWidget's destructor, where it is a view no more: only these two events may touch it.
  if (event->type() == QEvent::KeyPress) {
    const int key = static_cast<QKeyEvent*>(event)->key();
    if (key == Qt::Key_Return || key == Qt::Key_Enter || key == Qt::Key_Space) {
      if (m_view.currentIndex().isValid()) m_open(m_view.currentIndex());
      return true;
    }
  }
  // Without a current cell, arrow keys would have nowhere to start and nothing would show the focus.
  if (event->type() == QEvent::FocusIn && !m_view.currentIndex().isValid()) {
    const QAbstractItemModel* model = m_view.model();
    if (model != nullptr && model->rowCount() > 0)
      m_view.selectionModel()->setCurrentIndex(model->index(0, 0), QItemSelectionModel::NoUpdate);
  }
  return QObject::eventFilter(watched, event);
}

}  // namespace kvatlas::views
