#include "views/pages/window_palette.h"

#include <QPainter>
#include <QPixmap>
#include <QPixmapCache>

#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr Rgb kHighlightLight = rgb(0x0072B2), kHighlightDark = rgb(0x2672A5);
constexpr Rgb kLinkLight = rgb(0x005A8C), kLinkDark = rgb(0x6DBBE8);

// The same pixmap each time: lists are filled again and again, and Qt keeps what it scales of each pixmap.
QPixmap colourSquare(Rgb colour, bool hollow, int scale) {
  constexpr int kSide = 14;
  const QString key = QStringLiteral("kvatlas-square-%1-%2-%3").arg(toColour(colour).rgb()).arg(hollow).arg(scale);
  QPixmap pixmap;
  if (QPixmapCache::find(key, &pixmap)) return pixmap;
  pixmap = QPixmap(kSide * scale, kSide * scale);
  pixmap.setDevicePixelRatio(scale);
  pixmap.fill(Qt::transparent);
  QPainter painter(&pixmap);
  painter.fillRect(QRect(1, 1, kSide - 2, kSide - 2), toColour(colour));
  painter.setCompositionMode(QPainter::CompositionMode_Clear);
  if (hollow) painter.fillRect(QRect(4, 4, kSide - 8, kSide - 8), Qt::transparent);
  painter.end();
  QPixmapCache::insert(key, pixmap);
  return pixmap;
}

void setDisabled(QPalette& palette, const QColor& grey) {
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::HighlightedText})
    palette.setColor(QPalette::Disabled, role, grey);
}

}  // namespace

QPalette windowPalette(Theme theme) {
  const ThemeColours& colours = themeColours(theme);
  const bool dark = theme == Theme::Dark;
  const auto shade = [&](double t) { return toColour(mix(colours.paper, colours.ink, t)); };
  QPalette palette;
  palette.setColor(QPalette::Window, shade(0.06));
  palette.setColor(QPalette::Base, shade(0));
  palette.setColor(QPalette::AlternateBase, shade(0.035));
  palette.setColor(QPalette::ToolTipBase, shade(0.02));
  palette.setColor(QPalette::Button, shade(dark ? 0.13 : 0.07));
  palette.setColor(QPalette::Light, shade(dark ? 0.25 : 0));
  palette.setColor(QPalette::Midlight, shade(dark ? 0.19 : 0.03));
  palette.setColor(QPalette::Mid, shade(dark ? 0.30 : 0.25));
  palette.setColor(QPalette::Dark, shade(dark ? 0.02 : 0.40));
  palette.setColor(QPalette::Shadow, dark ? QColor(Qt::black) : shade(0.55));
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::ToolTipText})
    palette.setColor(role, toColour(colours.ink));
  palette.setColor(QPalette::BrightText, Qt::red);
  palette.setColor(QPalette::PlaceholderText, toColour(colours.muted));
  palette.setColor(QPalette::Highlight, toColour(dark ? kHighlightDark : kHighlightLight));
  palette.setColor(QPalette::HighlightedText, Qt::white);
  palette.setColor(QPalette::Link, toColour(dark ? kLinkDark : kLinkLight));
  palette.setColor(QPalette::LinkVisited, toColour(dark ? kLinkDark : kLinkLight));
  setDisabled(palette, shade(0.45));
  return palette;
}

Theme themeOf(const QPalette& palette) {
  const bool dark = palette.color(QPalette::Base).lightness() < palette.color(QPalette::Text).lightness();
  return dark ? Theme::Dark : Theme::Light;
}

QIcon methodIcon(std::string_view method, Theme theme, bool hollow) {
  return colourIcon(methodColour(method, theme), hollow);
}

QIcon colourIcon(Rgb colour, bool hollow) {
  QIcon icon;
  for (const int scale : {1, 2})
    for (const QIcon::Mode mode : {QIcon::Normal, QIcon::Selected})
      icon.addPixmap(colourSquare(colour, hollow, scale), mode);
  return icon;
}

}  // namespace kvatlas::views
