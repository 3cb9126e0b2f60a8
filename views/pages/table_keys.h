// The keyboard in a table of cells or rows: Tab enters and leaves it, arrow keys move, Return and Space open.
#pragma once

#include <QObject>
#include <functional>

class QAbstractItemView;
class QModelIndex;

namespace kvatlas::views {

class TableKeys : public QObject {
  Q_OBJECT

 public:
  // Lives as long as the view. `open`: as a click does.
  TableKeys(QAbstractItemView& view, std::function<void(const QModelIndex&)> open);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  QAbstractItemView& m_view;
  std::function<void(const QModelIndex&)> m_open;
};

}  // namespace kvatlas::views
