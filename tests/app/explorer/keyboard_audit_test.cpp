// Rules of the keyboard and of screen readers that every page and dialog keeps: reading order of the Tab key, no trap,
// focus that shows, names of controls, mnemonics without doubles.
#include <gmock/gmock.h>

#include <QAbstractButton>
#include <QAccessible>
#include <QComboBox>
#include <QDialog>
#include <QLabel>
#include <QMenu>
#include <QMenuBar>
#include <set>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/export_dialog.h"
#include "tests/app/explorer/audited_window.h"
#include "views/pages/map/map_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {
namespace {

class KeyboardAuditTest : public AuditedWindow {
 protected:
  static void expectReadingOrder(const QWidget& part, const std::string& name) {
    const std::vector<const QWidget*> order = tabOrder(part);
    for (std::size_t i = 1; i < order.size(); ++i) {
      const QPoint before = order[i - 1]->mapTo(&part, QPoint()), now = order[i]->mapTo(&part, QPoint());
      EXPECT_FALSE(now.y() + order[i]->height() <= before.y() && now.x() <= before.x())
          << name << ": " << nameOf(*order[i - 1]) << " → " << nameOf(*order[i]);
    }
  }
  // Buttons, fields and boxes, and what takes the keyboard as a whole: maps, charts, lists, texts.
  static bool isControl(const QWidget& widget) {
    for (const char* kind : {"QAbstractButton", "QComboBox", "QSlider", "QLineEdit", "QAbstractSpinBox", "QCustomPlot",
                             "QAbstractScrollArea"})
      if (widget.inherits(kind)) return true;
    return false;
  }
  // Fields inside other controls have the name and the focus of their owner.
  static bool isPart(const QWidget& widget) {
    const QWidget* parent = widget.parentWidget();
    return parent != nullptr && (parent->inherits("QAbstractSpinBox") || parent->inherits("QComboBox") ||
                                 widget.objectName().startsWith(QLatin1String("qt_")));
  }
};

// Tab follows the reading order inside every panel and dialog: never to a control that lies above the one before and
// does not lie right of it.
TEST_F(KeyboardAuditTest, TabFollowsTheReadingOrder) {
  open();
  CaptureJob job;
  CaptureDialog capture(job, m_settings, QStringLiteral("kvatlas"));
  capture.show();
  ExportDialog view(*m_window->pages().map().shownView());
  view.show();
  forEachDock([](QDockWidget& dock) { expectReadingOrder(*dock.widget(), dock.objectName().toStdString()); });
  expectReadingOrder(capture, "capture");
  expectReadingOrder(view, "export");
}

// A control with the keyboard looks different from one without.
TEST_F(KeyboardAuditTest, FocusShows) {
  open();
  m_window->activateWindow();
  ASSERT_TRUE(waitUntil([this] { return m_window->isActiveWindow(); }));
  QTest::keyClick(m_window->pages().mapWidget(), Qt::Key_Tab);  // from now on the window shows the focus
  QStringList invisible;
  int charts = 0;
  const auto check = [&](QWidget& widget) {
    if (!isControl(widget) || !takesTab(widget) || isPart(widget)) return;
    m_window->setFocus();
    const QImage without = widget.grab().toImage();
    widget.setFocus(Qt::TabFocusReason);
    if (!widget.hasFocus()) return;
    charts += widget.inherits("QCustomPlot") ? 1 : 0;
    if (widget.grab().toImage() == without) invisible << QString::fromStdString(nameOf(widget));
  };
  check(m_window->pages().map().view());
  forEachDock([&](QDockWidget& dock) {
    check(*dock.widget());
    for (auto* widget : dock.widget()->findChildren<QWidget*>()) check(*widget);
  });
  EXPECT_EQ(charts, 10) << "the map and every chart";
  EXPECT_EQ(invisible.join(QLatin1Char('\n')).toStdString(), "");
}

// Tab goes through every page and leaves it again, forwards and backwards.
TEST_F(KeyboardAuditTest, NoPageIsATrap) {
  open();
  m_window->activateWindow();
  ASSERT_TRUE(waitUntil([this] { return m_window->isActiveWindow(); }));
  forEachDock([&](QDockWidget& dock) {
    QWidget& page = *dock.widget();
    std::vector<const QWidget*> order = tabOrder(page);
    if (takesTab(page)) order.insert(order.begin(), &page);
    if (order.empty()) return;
    for (const Qt::Key key : {Qt::Key_Tab, Qt::Key_Backtab}) {
      auto* first = const_cast<QWidget*>(key == Qt::Key_Tab ? order.front() : order.back());
      first->setFocus(Qt::TabFocusReason);
      std::set<const QWidget*> visited{QApplication::focusWidget()};
      const auto inside = [&] {
        const QWidget* now = QApplication::focusWidget();
        return now == &page || page.isAncestorOf(now);
      };
      for (std::size_t presses = 0; presses < 2 * order.size() + 4 && inside(); ++presses) {
        QTest::keyClick(QApplication::focusWidget(), key);
        visited.insert(QApplication::focusWidget());
      }
      EXPECT_FALSE(inside()) << dock.objectName().toStdString() << " keeps the keyboard";
      for (const QWidget* plot : order) {
        const bool whole = plot->inherits("QCustomPlot") || plot->inherits("QAbstractScrollArea");
        EXPECT_TRUE(!whole || visited.contains(plot)) << dock.objectName().toStdString() << ": " << nameOf(*plot);
      }
    }
  });
}

// A click shows no ring; Tab does, and it goes with the focus.
TEST_F(KeyboardAuditTest, TheRingIsForTheKeyboard) {
  open();
  m_window->activateWindow();
  ASSERT_TRUE(waitUntil([this] { return m_window->isActiveWindow(); }));
  QWidget& map = *m_window->pages().mapWidget();
  const auto ring = [](QWidget& widget) { return widget.findChild<QWidget*>(QStringLiteral("focusRing")); };
  QTest::mouseClick(&map, Qt::LeftButton, {}, map.rect().center());
  EXPECT_TRUE(map.hasFocus());
  EXPECT_EQ(ring(map), nullptr);
  auto* text = m_window->pages().dock("text").findChild<QWidget*>(QStringLiteral("tokensText"));
  text->setFocus(Qt::TabFocusReason);
  ASSERT_NE(ring(*text), nullptr);
  EXPECT_EQ(ring(*text)->rect(), text->rect());
  EXPECT_TRUE(ring(*text)->isVisible());
  map.setFocus(Qt::BacktabFocusReason);
  EXPECT_EQ(ring(*text), nullptr);
  EXPECT_NE(ring(map), nullptr);
  QTest::mouseClick(&map, Qt::LeftButton, {}, map.rect().center());
  EXPECT_TRUE(map.hasFocus());
}

QString mnemonicOf(const QString& text) {
  for (qsizetype at = text.indexOf(QLatin1Char('&')); at >= 0 && at + 1 < text.size();
       at = text.indexOf(QLatin1Char('&'), at + 2))
    if (text[at + 1] != QLatin1Char('&')) return text.mid(at + 1, 1).toUpper();
  return {};
}

void expectUnique(const QStringList& texts, const std::string& where) {
  std::set<QString> seen;
  for (const QString& text : texts) {
    const QString letter = mnemonicOf(text);
    EXPECT_TRUE(letter.isEmpty() || seen.insert(letter).second) << where << ": " << text.toStdString();
  }
}

// No mnemonic is given twice in a menu, or in a window with its menu bar.
TEST_F(KeyboardAuditTest, MnemonicsAreUnique) {
  open();
  QStringList window;
  for (QAction* menu : m_window->menuBar()->actions()) {
    window << menu->text();
    QStringList entries;
    for (const QAction* entry : menu->menu()->actions()) entries << entry->text();
    expectUnique(entries, menu->text().toStdString());
  }
  for (const QAbstractButton* button : m_window->findChildren<QAbstractButton*>()) window << button->text();
  expectUnique(window, "window");
  CaptureJob job;
  CaptureDialog capture(job, m_settings, QStringLiteral("kvatlas"));
  ExportDialog view(*m_window->pages().map().shownView());
  for (QDialog* dialog : std::initializer_list<QDialog*>{&capture, &view}) {
    QStringList texts;
    for (const QAbstractButton* button : dialog->findChildren<QAbstractButton*>()) texts << button->text();
    for (const QLabel* label : dialog->findChildren<QLabel*>())
      if (label->buddy() != nullptr) texts << label->text();
    expectUnique(texts, dialog->objectName().toStdString());
  }
}

// The capture dialog claims no Alt+C, which is the Capture menu's; the tab order of What if starts with its first
// field.
TEST_F(KeyboardAuditTest, AltCIsTheCaptureMenuAndWhatIfStartsAtItsFirstField) {
  CaptureJob job;
  CaptureDialog dialog(job, m_settings, QStringLiteral("kvatlas"));
  for (const QAbstractButton* button : dialog.findChildren<QAbstractButton*>())
    EXPECT_NE(mnemonicOf(button->text()), "C") << button->text().toStdString();
  auto& page = m_window->pages().whatIf();
  const QWidget* next = page.findChild<QWidget*>(QStringLiteral("whatIfMethod"))->nextInFocusChain();
  while (!next->objectName().startsWith(QLatin1String("whatIf"))) next = next->nextInFocusChain();
  EXPECT_EQ(next->objectName(), "whatIfBudget");
}

// Every control, map, chart, list and text has a name for screen readers.
// A key that two shortcuts have is ambiguous, even of one action, and does nothing.
TEST_F(KeyboardAuditTest, EachShortcutIsThereOnce) {
  ASSERT_NO_FATAL_FAILURE(open());
  m_window->activateWindow();
  ASSERT_TRUE(waitUntil([&] { return m_window->isActiveWindow(); }));
  QMap<QString, QString> owners;
  for (const QAction* action : m_window->findChildren<QAction*>())
    for (const QKeySequence& shortcut : action->shortcuts()) {
      const QString key = shortcut.toString();
      EXPECT_FALSE(owners.contains(key)) << key.toStdString() << ": " << action->text().toStdString() << " and "
                                         << owners[key].toStdString();
      owners[key] = action->text();
    }
  QTest::keyClick(m_window.get(), Qt::Key_F11);
  EXPECT_TRUE(m_window->actions().full_screen->isChecked());
  QTest::keyClick(m_window.get(), Qt::Key_F11);
  EXPECT_FALSE(m_window->actions().full_screen->isChecked());
}

TEST_F(KeyboardAuditTest, ControlsHaveAccessibleNames) {
  open();
  m_window->pages().map().setViews(4, 0);
  QStringList nameless;
  for (const QWidget* widget : m_window->findChildren<QWidget*>()) {
    if (!isControl(*widget) || isPart(*widget) || widget->focusPolicy() == Qt::NoFocus ||
        widget->objectName().startsWith(QLatin1String("qt_")))
      continue;
    // The lists that open from boxes, and headers, speak through their owners.
    if (widget->inherits("QHeaderView") || widget->inherits("QComboBoxListView") || widget->isWindow()) continue;
    const QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(const_cast<QWidget*>(widget));
    if (interface == nullptr || interface->text(QAccessible::Name).isEmpty())
      nameless << QString::fromStdString(nameOf(*widget));
  }
  EXPECT_EQ(nameless.join(QLatin1Char('\n')).toStdString(), "");
}

}  // namespace
}  // namespace kvatlas::app
