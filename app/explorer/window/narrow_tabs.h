// Makes the tabs of docks as narrow as their words: many panels stand in a narrow column, and cut names say nothing.
#pragma once

#include <QObject>
#include <memory>

class QMainWindow;
class QStyle;

namespace kvatlas::app {

class NarrowTabs : public QObject {
  Q_OBJECT

 public:
  explicit NarrowTabs(QMainWindow& window);  // of all its docks, now and later
  ~NarrowTabs() override;

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  std::unique_ptr<QStyle> m_style;
};

}  // namespace kvatlas::app
