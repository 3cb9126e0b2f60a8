// Rules that every page and dialog of the window keeps: readable contrast, reading order of the Tab key, focus that
// shows, tooltips in words.
#include <gmock/gmock.h>

#include <QAbstractButton>
#include <QComboBox>
#include <QDialog>
#include <QDockWidget>
#include <QPlainTextEdit>
#include <QRegularExpression>
#include <cmath>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/export_dialog.h"
#include "app/explorer/measure/settle.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/theme_switch.h"
#include "app/explorer/window/window_pages.h"
#include "tests/views/pages/qt_widgets.h"
#include "views/models/colour_table.h"
#include "views/models/contrast.h"
#include "views/pages/map/map_page.h"
#include "views/pages/text/text_marks.h"
#include "views/pages/tokens_page.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::app {
namespace {

using views::Theme;
constexpr double kLeastContrast = 4.5;  // WCAG 2.1, level AA, for text

double luminance(const QColor& colour) {
  const auto channel = [](double value) {
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * channel(colour.redF()) + 0.7152 * channel(colour.greenF()) + 0.0722 * channel(colour.blueF());
}

double contrast(const QColor& a, const QColor& b) {
  const double light = std::max(luminance(a), luminance(b)), dark = std::min(luminance(a), luminance(b));
  return (light + 0.05) / (dark + 0.05);
}

class WindowAuditTest : public test::QtWidgetTest {
 protected:
  WindowAuditTest() : m_settings(file("settings.ini")) {
    m_settings.setNotesInTrace(false);
    m_window = std::make_unique<MainWindow>(m_settings);
    m_window->resize(1440, 900);
    m_window->show();
  }
  void open() {
    const auto path = sample("a.kva.h5", {.budgets = {32, 64}});
    m_window->openFile(QString::fromStdString(path.string()));
    ASSERT_TRUE(waitUntil([this] { return m_window->document().isOpen(); }));
    ASSERT_TRUE(settle(*m_window));
  }
  static bool takesTab(const QWidget& widget) {
    return widget.isVisible() && widget.isEnabled() && (widget.focusPolicy() & Qt::TabFocus) != 0;
  }
  // The widgets inside `part` that Tab visits, in its order.
  static std::vector<const QWidget*> tabOrder(const QWidget& part) {
    std::vector<const QWidget*> order;
    const QWidget* widget = &part;
    do {
      widget = widget->nextInFocusChain();
      if (part.isAncestorOf(widget) && takesTab(*widget) && widget->focusProxy() == nullptr) order.push_back(widget);
    } while (widget != &part);
    return order;
  }
  static void expectReadingOrder(const QWidget& part, const std::string& name) {
    const std::vector<const QWidget*> order = tabOrder(part);
    for (std::size_t i = 1; i < order.size(); ++i) {
      const QPoint before = order[i - 1]->mapTo(&part, QPoint()), now = order[i]->mapTo(&part, QPoint());
      EXPECT_FALSE(now.y() + order[i]->height() <= before.y() && now.x() <= before.x())
          << name << ": " << nameOf(*order[i - 1]) << " → " << nameOf(*order[i]);
    }
  }
  static std::string nameOf(const QWidget& widget) {
    return std::string(widget.metaObject()->className()) + " " + widget.objectName().toStdString();
  }

  ExplorerSettings m_settings;
  std::unique_ptr<MainWindow> m_window;
};

TEST(Contrast, IsThatOfTheStandard) {
  EXPECT_NEAR(contrast(Qt::black, Qt::white), 21, 1e-6);
  EXPECT_NEAR(contrast(QColor(0x77, 0x77, 0x77), Qt::white), 4.48, 0.01);
}

TEST_F(WindowAuditTest, TheWindowsColoursAreReadable) {
  for (const Theme theme : {Theme::Light, Theme::Dark}) {
    const QPalette palette = views::windowPalette(theme);
    using Role = QPalette::ColorRole;
    const std::pair<Role, Role> pairs[] = {{QPalette::WindowText, QPalette::Window},
                                           {QPalette::Text, QPalette::Base},
                                           {QPalette::Text, QPalette::AlternateBase},
                                           {QPalette::ButtonText, QPalette::Button},
                                           {QPalette::ToolTipText, QPalette::ToolTipBase},
                                           {QPalette::HighlightedText, QPalette::Highlight},
                                           {QPalette::PlaceholderText, QPalette::Base},
                                           {QPalette::Link, QPalette::Base},
                                           {QPalette::Link, QPalette::Window}};
    for (const auto& [text, ground] : pairs)
      EXPECT_GE(contrast(palette.color(text), palette.color(ground)), kLeastContrast)
          << static_cast<int>(theme) << ": " << text << " on " << ground;
    const views::ThemeColours& colours = views::themeColours(theme);
    for (const views::Rgb text : {colours.ink, colours.muted})
      EXPECT_GE(contrast(views::toColour(text), views::toColour(colours.paper)), kLeastContrast)
          << static_cast<int>(theme);
  }
}

// Every mark of the prompt's text, also evicted words, which are struck out.
TEST_F(WindowAuditTest, MarkedTextIsReadable) {
  for (const Theme theme : {Theme::Light, Theme::Dark}) {
    QPlainTextEdit text;
    text.setPalette(views::windowPalette(theme));
    text.setPlainText(QStringLiteral("ab"));
    for (int bits = 0; bits < 64; ++bits)
      for (int shade = 0; shade <= views::kShades; shade += 4) {
        const auto bit = [bits](int at) { return (bits >> at & 1) != 0; };
        views::TokenLook look{bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), static_cast<std::uint8_t>(shade)};
        if (look == views::TokenLook{}) continue;
        const auto marks = views::marksOf(text, {0, 1, 2}, 0, {look});
        ASSERT_EQ(marks.size(), 1);
        const QTextCharFormat& format = marks.front().format;
        const QColor ground = format.hasProperty(QTextFormat::BackgroundBrush) ? format.background().color()
                                                                               : text.palette().color(QPalette::Base);
        const QColor ink = format.hasProperty(QTextFormat::ForegroundBrush) ? format.foreground().color()
                                                                            : text.palette().color(QPalette::Text);
        EXPECT_GE(contrast(ink, ground), kLeastContrast)
            << static_cast<int>(theme) << " bits " << bits << " shade " << shade;
      }
  }
}

// Numbers on the cells of the grid, over every colour map.
TEST_F(WindowAuditTest, NumbersOnColoursAreReadable) {
  for (const std::string_view name : views::colourTableNames()) {
    const views::ColourTable& table = views::colourTable(name);
    for (int i = 0; i <= 64; ++i) {
      const views::Rgb ground = table.at(i / 64.0);
      EXPECT_GE(contrast(views::toColour(views::inkOn(ground)), views::toColour(ground)), kLeastContrast)
          << name << " " << i;
    }
  }
}

// Tab follows the reading order inside every panel and dialog: never to a control that lies above the one before and
// does not lie right of it.
TEST_F(WindowAuditTest, TabFollowsTheReadingOrder) {
  open();
  CaptureJob job;
  CaptureDialog capture(job, m_settings, QStringLiteral("kvatlas"));
  capture.show();
  ExportDialog view(*m_window->pages().map().shownView());
  view.show();
  for (QDockWidget* dock : m_window->pages().docks()) {
    m_window->pages().setFolded(Qt::BottomDockWidgetArea, m_window->dockWidgetArea(dock) != Qt::BottomDockWidgetArea);
    dock->raise();
    ASSERT_TRUE(settle(*m_window));
    expectReadingOrder(*dock->widget(), dock->objectName().toStdString());
  }
  expectReadingOrder(capture, "capture");
  expectReadingOrder(view, "export");
}

// A control with the keyboard looks different from one without.
TEST_F(WindowAuditTest, FocusShows) {
  open();
  m_window->activateWindow();
  ASSERT_TRUE(waitUntil([this] { return m_window->isActiveWindow(); }));
  QTest::keyClick(m_window->pages().mapWidget(), Qt::Key_Tab);  // from now on the window shows the focus
  QStringList invisible;
  for (QDockWidget* dock : m_window->pages().docks()) {
    m_window->pages().setFolded(Qt::BottomDockWidgetArea, m_window->dockWidgetArea(dock) != Qt::BottomDockWidgetArea);
    dock->raise();
    ASSERT_TRUE(settle(*m_window));
    for (auto* widget : dock->widget()->findChildren<QWidget*>()) {
      const bool control = widget->inherits("QAbstractButton") || widget->inherits("QComboBox") ||
                           widget->inherits("QSlider") || widget->inherits("QLineEdit") ||
                           widget->inherits("QAbstractSpinBox");
      if (!control || !takesTab(*widget) || widget->parentWidget()->inherits("QAbstractSpinBox")) continue;
      m_window->setFocus();
      const QImage without = widget->grab().toImage();
      widget->setFocus(Qt::TabFocusReason);
      if (!widget->hasFocus()) continue;
      if (widget->grab().toImage() == without) invisible << QString::fromStdString(nameOf(*widget));
    }
  }
  EXPECT_EQ(invisible.join(QLatin1Char('\n')).toStdString(), "");
}

// Tooltips are sentences, not JSON, markup of a programme or numbers with fifteen digits.
TEST_F(WindowAuditTest, TooltipsAreWords) {
  open();
  static const QRegularExpression raw(QStringLiteral("[{}]|\\d\\.\\d{8}|0x|::|nullptr|%\\d"));
  for (const QWidget* widget : m_window->findChildren<QWidget*>())
    for (const QString& text : {widget->toolTip(), widget->statusTip(), widget->accessibleName()})
      EXPECT_FALSE(raw.match(text).hasMatch()) << nameOf(*widget) << ": " << text.toStdString();
}

}  // namespace
}  // namespace kvatlas::app
