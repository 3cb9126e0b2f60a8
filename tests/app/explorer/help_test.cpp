// Help in the window: the glossary answers for every label and control, the manual opens from this computer; traces are
// listed beside the open one and take its place.
#include <gmock/gmock.h>

#include <QComboBox>
#include <QDialog>
#include <QDockWidget>
#include <QHeaderView>
#include <QHelpEvent>
#include <QLabel>
#include <QMenuBar>
#include <QTabBar>
#include <QTextBrowser>
#include <QTreeWidget>
#include <QWhatsThis>
#include <fstream>

#include "app/explorer/explorer_settings.h"
#include "app/explorer/measure/settle.h"
#include "app/explorer/window/glossary.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/window_pages.h"
#include "tests/views/pages/qt_widgets.h"
#include "views/pages/charts/sweep_chart.h"
#include "views/pages/map/map_page.h"
#include "views/pages/runs_page.h"

namespace kvatlas::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class WindowHelpTest : public test::QtWidgetTest {
 protected:
  WindowHelpTest() : m_settings(file("settings.ini")), m_window(std::make_unique<MainWindow>(m_settings)) {
    m_settings.setNotesInTrace(false);
    m_window->resize(1440, 900);
    m_window->show();
  }
  void open(const std::filesystem::path& path) {
    m_window->openFile(QString::fromStdString(path.string()));
    ASSERT_TRUE(waitUntil([this] { return m_window->document().isOpen(); }));
    ASSERT_TRUE(settle(*m_window));
  }
  static std::string helpAt(const QWidget& widget, const QPoint& at) { return helpOn(widget, at).toStdString(); }

  ExplorerSettings m_settings;
  std::unique_ptr<MainWindow> m_window;
};

TEST_F(WindowHelpTest, EveryLabelLeadsToTheGlossary) {
  open(sample("a.kva.h5", {.budgets = {32, 64}}));
  QStringList mute;
  const auto named = [](const QWidget& widget) {
    return QLatin1String(widget.metaObject()->className()) + QLatin1Char(' ') + widget.objectName() +
           QStringLiteral(" in ") + widget.parentWidget()->objectName();
  };
  for (const QDockWidget* dock : m_window->pages().docks())
    for (const QWidget* widget : dock->findChildren<QWidget*>()) {
      const bool labelled = widget->inherits("QLabel") || widget->inherits("QComboBox") ||
                            widget->inherits("QAbstractButton") || widget->inherits("QAbstractSpinBox") ||
                            widget->inherits("QSlider") || widget->inherits("QLineEdit");
      if (labelled && !widget->objectName().startsWith(QLatin1String("qt_")) &&
          !widget->inherits("QTableCornerButton") &&
          !QString::fromStdString(helpAt(*widget, widget->rect().center())).contains(QLatin1String("<b>")))
        mute << named(*widget);
    }
  EXPECT_EQ(mute.join(QLatin1Char('\n')).toStdString(), "");
}

TEST_F(WindowHelpTest, HeadersTabsAndMenusAreExplained) {
  open(sample("a.kva.h5", {.budgets = {32, 64}}));
  const QHeaderView& header = *m_window->pages().runs().header();
  const auto section = [&header](int column) {
    return QPoint(header.sectionViewportPosition(column) + header.sectionSize(column) / 2, header.height() / 2);
  };
  EXPECT_THAT(helpAt(*header.viewport(), section(2)), HasSubstr("<b>retained mass</b>"));
  EXPECT_THAT(helpAt(*header.viewport(), section(4)), HasSubstr("<b>KL</b>"));
  EXPECT_THAT(helpAt(*header.viewport(), section(4)), Not(HasSubstr("<b>oracle</b>")));
  bool agreement = false;
  for (const QTabBar* tabs : m_window->findChildren<QTabBar*>())
    for (int tab = 0; tab < tabs->count(); ++tab)
      agreement =
          agreement ||
          QString::fromStdString(helpAt(*tabs, tabs->tabRect(tab).center())).contains(QLatin1String("<b>what if</b>"));
  EXPECT_TRUE(agreement) << "the tab What if";
  // The chosen metric of the grid.
  auto* metric = child<QComboBox>(*m_window, "gridMetric");
  metric->setCurrentIndex(metric->findText(QStringLiteral("entropy")));
  EXPECT_THAT(helpAt(*metric, {4, 4}), HasSubstr("<b>entropy</b>"));
  metric->setCurrentIndex(metric->findText(QStringLiteral("lost mass")));
  EXPECT_THAT(helpAt(*metric, {4, 4}), HasSubstr("<b>lost mass</b>"));
}

// "What's this?" is answered by the window itself, and shown.
TEST_F(WindowHelpTest, WhatsThisShowsTheWords) {
  open(sample("a.kva.h5"));
  auto* opacity = child<QWidget>(*m_window, "overlayOpacity");
  QHelpEvent asks(QEvent::QueryWhatsThis, {3, 3}, opacity->mapToGlobal(QPoint(3, 3)));
  asks.ignore();
  QApplication::sendEvent(opacity, &asks);
  EXPECT_TRUE(asks.isAccepted());
  QHelpEvent shows(QEvent::WhatsThis, {3, 3}, opacity->mapToGlobal(QPoint(3, 3)));
  QApplication::sendEvent(opacity, &shows);
  QString shown;
  EXPECT_TRUE(waitUntil([&shown] {
    for (const QWidget* widget : QApplication::topLevelWidgets())
      if (widget->inherits("QWhatsThat") && widget->isVisible()) shown = QStringLiteral("shown");
    return !shown.isEmpty();
  }));
  QWhatsThis::hideText();
}

// F1 opens the glossary with the words of the control that has the keyboard first.
TEST_F(WindowHelpTest, TheGlossaryBeginsWithWhatIsInFocus) {
  open(sample("a.kva.h5"));
  m_window->activateWindow();
  ASSERT_TRUE(waitUntil([this] { return m_window->isActiveWindow(); }));
  child<QWidget>(*m_window, "overlayStyle")->setFocus();
  m_window->actions().glossary->trigger();
  auto* dialog = child<QDialog>(*m_window, "glossary");
  const QString text = dialog->findChild<QTextBrowser*>()->toPlainText();
  EXPECT_LT(text.indexOf(QStringLiteral("eviction")), text.indexOf(QStringLiteral("agreement (Jaccard)")));
  for (const GlossaryEntry& entry : glossary()) EXPECT_EQ(text.count(entry.meaning), 1) << entry.word.toStdString();
  dialog->close();
}

TEST_F(WindowHelpTest, TheManualOpensLocally) {
  m_window->actions().manual->trigger();
  auto* dialog = child<QDialog>(*m_window, "manual");
  auto* browser = dialog->findChild<QTextBrowser*>();
  EXPECT_THAT(browser->toPlainText().toStdString(), HasSubstr("The Explorer"));
  EXPECT_TRUE(browser->source().isLocalFile());
  dialog->close();
}

// A run of a listed trace opens that trace in the same view; the trace before is listed.
TEST_F(WindowHelpTest, AListedTraceTakesThePlaceOfTheOpenOne) {
  const auto a = sample("a.kva.h5", {.budgets = {32, 64}}), b = sample("b.kva.h5", {.budgets = {48}, .seed = 5});
  open(a);
  m_window->selection().setLayer(LayerIndex(2));
  m_window->selection().setHead({views::HeadChoice::QueryHead, 3});
  m_window->addFile(QString::fromStdString(b.string()));
  ASSERT_TRUE(waitUntil([this] { return m_window->shelf().traces().size() == 1; }));
  emit m_window->pages().runs().otherRunChosen(QString::fromStdString(b.string()), 2);
  ASSERT_TRUE(waitUntil([&] { return m_window->document().path() == b; }));
  ASSERT_TRUE(settle(*m_window));
  EXPECT_EQ(m_window->selection().layer(), LayerIndex(2));
  EXPECT_EQ(m_window->selection().head(), (views::HeadChoice{views::HeadChoice::QueryHead, 3}));
  EXPECT_EQ(m_window->selection().focusRun(), 2);
  ASSERT_TRUE(waitUntil([this] { return m_window->shelf().traces().size() == 1; }));
  EXPECT_EQ(m_window->shelf().traces().front()->path(), a);
  EXPECT_EQ(m_window->message().toStdString(), "");
  // A file that is no trace is named, and changes nothing.
  std::ofstream(m_folder / "none.h5") << "no trace";
  m_window->addFile(file("none.h5"));
  ASSERT_TRUE(waitUntil([this] { return !m_window->message().isEmpty(); }));
  EXPECT_THAT(m_window->message().toStdString(), HasSubstr("none.h5"));
  EXPECT_EQ(m_window->shelf().traces().size(), 1U);
  m_window->actions().close->trigger();
  EXPECT_TRUE(m_window->shelf().traces().empty());
}

}  // namespace
}  // namespace kvatlas::app
