// A ring around the map, chart, list or text that has the keyboard focus, for keyboard users: these widgets draw none
// themselves. A click shows none.
#pragma once

#include <QObject>
#include <QPointer>

class QWidget;

namespace kvatlas::views {

class FocusRing : public QObject {
  Q_OBJECT

 public:
  // Of every widget in the window and its dialogs.
  explicit FocusRing(QWidget& window);

  [[nodiscard]] QWidget* owner() const;  // of the ring; null: no ring

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  [[nodiscard]] bool concerns(const QWidget& widget) const;

  QWidget& m_window;
  QPointer<QWidget> m_ring;
};

// The object name of the ring, which is a child of the widget with the focus.
inline constexpr const char* kFocusRing = "focusRing";

}  // namespace kvatlas::views
