// A page that updates only while visible: changes while hidden mark it stale,
// and it refills when it is visible again.
#pragma once

#include <QTimer>
#include <QWidget>

namespace kvatlas::views {

class RestingPage : public QWidget {
  Q_OBJECT

 public:
  explicit RestingPage(QWidget* parent = nullptr);

  void updateNow();         // without waiting for the timer
  void setSeen(bool seen);  // false: behind another tab, which Qt still reports as visible

 protected:
  virtual void fill() = 0;
  virtual void follow() { refill(); }                   // layer, head or step changed; default: rebuild everything
  virtual void applyTheme() {}                          // palette changed; refill() follows
  [[nodiscard]] bool stale() const { return m_stale; }  // it may show what is closed by now
  void refill();                                        // deferred; several calls cause one fill()
  void followIfSeen();
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  [[nodiscard]] bool seen() const { return isVisible() && m_seen; }

  QTimer m_timer;
  bool m_stale = true, m_seen = true;
};

}  // namespace kvatlas::views
