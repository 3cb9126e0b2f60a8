// Rules of colours and words that every page of the window keeps: readable contrast, tooltips in words.
#include <QPlainTextEdit>
#include <QRegularExpression>
#include <cmath>

#include "app/explorer/window/theme_switch.h"
#include "tests/app/explorer/audited_window.h"
#include "views/models/colour_table.h"
#include "views/models/contrast.h"
#include "views/pages/charts/chart_plot.h"
#include "views/pages/charts/key_plot.h"
#include "views/pages/text/text_marks.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::app {
namespace {

using views::Theme;
constexpr double kLeastContrast = 4.5, kLeastContrastOfShapes = 3;  // WCAG 2.1, level AA

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

class WindowAuditTest : public AuditedWindow {};

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

// Labels, legends and messages of every chart, and the ring around the one with the keyboard, on its paper.
TEST_F(WindowAuditTest, ChartsAreReadable) {
  open();
  for (const char* theme : {"light", "dark"}) {
    m_window->theme().choose(QString::fromLatin1(theme));
    int charts = 0;
    forEachDock([&](QDockWidget& dock) {
      for (auto* plot : dock.findChildren<views::KeyPlot*>()) {
        ++charts;
        const QColor paper = plot->grab().toImage().pixelColor(plot->width() - 2, plot->height() - 2);
        const auto expectReadable = [&](const QColor& ink, double least, const char* what) {
          EXPECT_GE(contrast(ink, paper), least) << theme << " " << dock.objectName().toStdString() << ": " << what;
        };
        for (const QCPAxis* axis : {plot->xAxis, plot->yAxis}) {
          expectReadable(axis->tickLabelColor(), kLeastContrast, "numbers");
          expectReadable(axis->labelColor(), kLeastContrast, "title");
          expectReadable(axis->basePen().color(), kLeastContrastOfShapes, "axis");
        }
        for (int i = 0; i < plot->itemCount(); ++i)
          if (const auto* text = qobject_cast<QCPItemText*>(plot->item(i)))
            expectReadable(text->color(), kLeastContrast, "message");
        if (plot->legend->itemCount() > 0) expectReadable(plot->legend->textColor(), kLeastContrast, "legend");
        expectReadable(plot->palette().color(QPalette::Highlight), kLeastContrastOfShapes, "focus ring");
        expectReadable(plot->palette().color(QPalette::Text), kLeastContrastOfShapes, "point of the keyboard");
      }
    });
    EXPECT_EQ(charts, 9) << "seven of lines, positions, cached tokens";
  }
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
