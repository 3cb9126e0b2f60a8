// The Qt application of the Explorer: an exception that leaves an event handler becomes a message, not the end of the
// program with what is open in it. Must not know the windows.
#pragma once

#include <QApplication>
#include <string>

namespace kvatlas::app {

class ExplorerApplication : public QApplication {
  Q_OBJECT

 public:
  using QApplication::QApplication;

  bool notify(QObject* receiver, QEvent* event) override;

 signals:
  void failed(const QString& message);  // once for each text: a view that cannot be drawn fails at each attempt

 private:
  std::string m_last;
};

}  // namespace kvatlas::app
