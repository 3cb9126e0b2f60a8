// The page shown while no trace is open: ways to open or capture a trace, and a short tour.
#pragma once

#include <QStringList>
#include <QWidget>

class QVBoxLayout;

namespace kvatlas::views {

class StartPage : public QWidget {
  Q_OBJECT

 public:
  explicit StartPage(QWidget* parent = nullptr);

  // Newest first.
  void setRecentFiles(const QStringList& files);
  void setExampleAvailable(bool available);
  void focusFirst();
  void setCaptureAvailable(bool available);

 signals:
  void openRequested();
  void captureRequested();
  void exampleRequested();
  void fileRequested(const QString& path);

 private:
  QWidget* makeChoices();
  QWidget* makeTour();

  QVBoxLayout* m_recent;
  QWidget* m_recent_box;
  QWidget* m_example = nullptr;
  QWidget* m_capture = nullptr;
};

}  // namespace kvatlas::views
