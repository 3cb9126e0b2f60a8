// A page that is filled only while somebody can see it: what changes meanwhile makes it stale, and it is filled anew
// once it is seen again.
#pragma once

#include <QTimer>
#include <QWidget>

namespace kvatlas::views {

class RestingPage : public QWidget {
  Q_OBJECT

 public:
  explicit RestingPage(QWidget* parent = nullptr);

  void updateNow();         // what the timer would do next
  void setSeen(bool seen);  // false: it is behind another panel; Qt counts such a page as shown

 protected:
  virtual void fill() = 0;
  virtual void follow() { refill(); }  // another layer, head or step: all is made anew unless a page knows better
  virtual void applyTheme() {}         // the palette changed; refill() follows
  void refill();                       // soon, once for many reasons
  void followIfSeen();
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  [[nodiscard]] bool seen() const { return isVisible() && m_seen; }

  QTimer m_timer;
  bool m_stale = true, m_seen = true;
};

}  // namespace kvatlas::views
