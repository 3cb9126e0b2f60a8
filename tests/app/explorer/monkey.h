// A user who presses and clicks anything anywhere. Knows Qt's widgets only, nothing of KVAtlas.
#pragma once

#include <QAction>
#include <QApplication>
#include <QContextMenuEvent>
#include <QDialog>
#include <QElapsedTimer>
#include <QFileDialog>
#include <QHelpEvent>
#include <QPointer>
#include <QTest>
#include <QTimer>
#include <QWheelEvent>
#include <functional>
#include <iostream>
#include <random>
#include <vector>

namespace kvatlas::test {

// Acts on the front: a popup, else a modal dialog, else any window. Its timers also run inside the event loops of menus
// and dialogs, which it leaves after a while. File dialogs are closed at once: they can delete what they show.
class Monkey : public QObject {
 public:
  struct Options {
    unsigned seed = 1;
    int steps = 100;
    bool tells = false;                          // each step to stderr before it is done
    std::vector<std::function<void()>> errands;  // done now and then
  };

  Monkey(QWidget& window, Options options) : m_window(window), m_options(std::move(options)), m_random(m_options.seed) {
    later();
  }
  [[nodiscard]] bool done() const { return m_done >= m_options.steps && m_depth == 0; }
  [[nodiscard]] qint64 longestStepMs() const { return m_longest_ms; }

 private:
  // A timer of its own for each step: one whose slot has not returned does not fire.
  void later() { QTimer::singleShot(1, this, &Monkey::step); }

  void step() {
    if (!done() || dialogInFront() != nullptr) later();
    if (QWidget* const front = dialogInFront();
        m_done >= m_options.steps || qobject_cast<QFileDialog*>(front) != nullptr)
      return leave(front);
    ++m_done;
    ++m_depth;
    QElapsedTimer timer;
    timer.start();
    const int nested = m_nested++;
    act();
    if (m_nested == nested + 1) m_longest_ms = std::max(m_longest_ms, timer.elapsed());  // else it waited for a dialog
    --m_depth;
  }

  static QWidget* dialogInFront() {
    QWidget* const popup = QApplication::activePopupWidget();
    return popup != nullptr ? popup : QApplication::activeModalWidget();
  }
  void leave(QWidget* front) {
    if (auto* const dialog = qobject_cast<QDialog*>(front))
      dialog->reject();
    else if (front != nullptr)
      front->close();
  }

  void act() {
    QWidget* const front = dialogInFront();
    m_stay = front == m_front ? m_stay + 1 : 0;
    m_front = front;
    if (front != nullptr && m_stay > kPatience) return leave(front);
    if (front == nullptr && chance(25)) return errand();
    QWidget* const target = anyChild(front != nullptr ? *front : anyWindow());
    switch (below(8)) {
      case 0:
      case 1:
        return press(*target);
      case 2:
        return key(QApplication::focusWidget() != nullptr ? *QApplication::focusWidget() : *target);
      case 3:
        return drag(*target);
      case 4:
        return turnWheel(*target);
      case 5:
        return ask(*target);
      case 6:
        return front == nullptr ? trigger() : press(*target);
      default:
        return key(*target);
    }
  }

  void errand() {
    if (chance(4) || m_options.errands.empty()) {
      const QSize size(300 + below(1600), 200 + below(1000));
      tell(m_window, QStringLiteral("resize %1 × %2").arg(size.width()).arg(size.height()));
      return m_window.resize(size);
    }
    const std::size_t which = static_cast<std::size_t>(below(static_cast<int>(m_options.errands.size())));
    tell(m_window, QStringLiteral("errand %1").arg(which));
    m_options.errands[which]();
  }
  void press(QWidget& target) {
    const QPoint at = anyPoint(target);
    const bool twice = chance(8);
    const auto button = chance(10) ? Qt::MiddleButton : chance(10) ? Qt::RightButton : Qt::LeftButton;
    tell(target, QStringLiteral("%1 button %2")
                     .arg(twice ? QStringLiteral("double click") : QStringLiteral("click"))
                     .arg(button));
    if (twice)
      QTest::mouseDClick(&target, button, anyModifiers(), at);
    else
      QTest::mouseClick(&target, button, anyModifiers(), at);
  }
  void key(QWidget& target) {
    static const std::vector<Qt::Key> keys{
        Qt::Key_Left,        Qt::Key_Right,        Qt::Key_Up,   Qt::Key_Down,  Qt::Key_PageUp, Qt::Key_PageDown,
        Qt::Key_Home,        Qt::Key_End,          Qt::Key_Tab,  Qt::Key_Space, Qt::Key_Return, Qt::Key_Escape,
        Qt::Key_Delete,      Qt::Key_Backspace,    Qt::Key_Plus, Qt::Key_Minus, Qt::Key_0,      Qt::Key_9,
        Qt::Key_BracketLeft, Qt::Key_BracketRight, Qt::Key_F1,   Qt::Key_F2,    Qt::Key_F11,    Qt::Key_Period,
        Qt::Key_Comma,       Qt::Key_Menu};
    const Qt::Key which = chance(3) ? static_cast<Qt::Key>(Qt::Key_A + below(26))
                                    : keys[static_cast<std::size_t>(below(static_cast<int>(keys.size())))];
    const Qt::KeyboardModifiers modifiers = anyModifiers();
    tell(target, QStringLiteral("key %1 with %2").arg(which).arg(modifiers.toInt()));
    QTest::keyClick(&target, which, modifiers);
  }
  void drag(QWidget& target) {
    const QPointer<QWidget> held(&target);
    const Qt::KeyboardModifiers modifiers = anyModifiers();
    const QPoint from = anyPoint(target);
    tell(target, QStringLiteral("drag"));
    QTest::mousePress(held, Qt::LeftButton, modifiers, from);
    QPoint at = from;
    for (int moves = below(6); moves >= 0 && held != nullptr; --moves) {
      at += QPoint(below(201) - 100, below(201) - 100);
      QMouseEvent move(QEvent::MouseMove, at, held->mapToGlobal(at), Qt::NoButton, Qt::LeftButton, modifiers);
      QApplication::sendEvent(held, &move);
    }
    if (held != nullptr) QTest::mouseRelease(held, Qt::LeftButton, modifiers, at);
  }
  void turnWheel(QWidget& target) {
    const QPoint at = anyPoint(target), angle(chance(4) ? below(481) - 240 : 0, below(4801) - 2400);
    tell(target, QStringLiteral("wheel %1").arg(angle.y()));
    QWheelEvent wheel(at, target.mapToGlobal(at), chance(3) ? angle / 8 : QPoint(), angle, Qt::NoButton, anyModifiers(),
                      Qt::NoScrollPhase, false);
    QApplication::sendEvent(&target, &wheel);
  }
  void ask(QWidget& target) {
    const QPoint at = anyPoint(target);
    tell(target, QStringLiteral("menu or tip"));
    if (chance(2)) {
      QContextMenuEvent menu(QContextMenuEvent::Mouse, at, target.mapToGlobal(at));
      QApplication::sendEvent(&target, &menu);
    } else {
      QHelpEvent tip(chance(2) ? QEvent::ToolTip : QEvent::WhatsThis, at, target.mapToGlobal(at));
      QApplication::sendEvent(&target, &tip);
    }
  }
  void trigger() {
    std::vector<QAction*> enabled;
    for (QAction* const action : m_window.findChildren<QAction*>())
      if (action->isEnabled() && action->menu() == nullptr && reachable(action->parent())) enabled.push_back(action);
    if (enabled.empty()) return;
    QAction* const action = enabled[static_cast<std::size_t>(below(static_cast<int>(enabled.size())))];
    tell(m_window, QStringLiteral("action ") + action->text());
    action->trigger();
  }

  // Not in the menu of a disabled button.
  static bool reachable(const QObject* owner) {
    for (; owner != nullptr; owner = owner->parent())
      if (const auto* const widget = qobject_cast<const QWidget*>(owner); widget != nullptr && !widget->isEnabled())
        return false;
    return true;
  }

  QWidget& anyWindow() {
    std::vector<QWidget*> shown;
    for (QWidget* const widget : QApplication::topLevelWidgets())
      if (widget->isVisible()) shown.push_back(widget);
    if (shown.empty() || chance(2)) return m_window;
    return *shown[static_cast<std::size_t>(below(static_cast<int>(shown.size())))];
  }
  QWidget* anyChild(QWidget& root) {
    std::vector<QWidget*> shown{&root};
    for (QWidget* const widget : root.findChildren<QWidget*>())
      if (widget->isVisible() && !widget->size().isEmpty()) shown.push_back(widget);
    return shown[static_cast<std::size_t>(below(static_cast<int>(shown.size())))];
  }
  QPoint anyPoint(const QWidget& widget) {
    return {below(std::max(widget.width(), 1)), below(std::max(widget.height(), 1))};
  }
  Qt::KeyboardModifiers anyModifiers() {
    Qt::KeyboardModifiers modifiers;
    for (const auto each : {Qt::ShiftModifier, Qt::ControlModifier, Qt::AltModifier})
      if (chance(7)) modifiers |= each;
    return modifiers;
  }
  int below(int end) { return static_cast<int>(m_random() % static_cast<unsigned>(end)); }
  bool chance(int one_in) { return below(one_in) == 0; }

  void tell(const QWidget& target, const QString& deed) const {
    if (m_options.tells)
      std::cerr << m_done << ": " << target.metaObject()->className() << ' ' << target.objectName().toStdString()
                << ": " << deed.toStdString() << std::endl;
  }

  static constexpr int kPatience = 40;  // steps in one menu or dialog

  QWidget& m_window;
  Options m_options;
  std::mt19937 m_random;
  QWidget* m_front = nullptr;  // compared only
  int m_done = 0, m_depth = 0, m_nested = 0, m_stay = 0;
  qint64 m_longest_ms = 0;
};

}  // namespace kvatlas::test
