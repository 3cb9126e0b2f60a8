#include "views/plots/map/map_badge.h"

#include <QCoreApplication>
#include <algorithm>
#include <utility>

#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr double kMostCovered = 0.36;  // of the map's height
constexpr int kPadding = 5, kInset = 6, kSwatch = 9;

QString tr(const char* text) {
  return QCoreApplication::translate("MapBadge", text);
}

// Uses no-break spaces, so that names do not wrap.
QString nameOf(const MapSide& side, const char* without) {
  QString name = side.name.empty() ? QString::fromLatin1(without) : QString::fromStdString(side.name);
  return name.replace(QLatin1Char(' '), QChar(QChar::Nbsp));
}

std::vector<BadgeLine> comparedRuns(const MapPicture& picture, const ShadeColours& shades) {
  const QString a = nameOf(picture.a, "A"), b = nameOf(*picture.b, "B");
  if (picture.mode == PictureSides::Split)
    return {{tr("below the diagonal: kept by %1").arg(a), {}}, {tr("above, mirrored: kept by %1").arg(b), {}}};
  return {{tr("kept only by %1").arg(a), shades.only_a}, {tr("kept only by %1").arg(b), shades.only_b}};
}

std::vector<BadgeLine> comparedMaps(const MapPicture& picture) {
  const QString a = nameOf(picture.a, "A"), b = nameOf(*picture.b, "B");
  if (picture.mode == PictureSides::Split)
    return {{tr("below the diagonal: %1").arg(a), {}}, {tr("above, mirrored: %1").arg(b), {}}};
  const QString formula = picture.mode == PictureSides::Ratio ? tr("log₂ (A / B)") : tr("A − B");
  return {{formula, {}}, {tr("A: %1").arg(a), {}}, {tr("B: %1").arg(b), {}}};
}

QString evictionText(EvictionStyle style) {
  switch (style) {
    case EvictionStyle::Dim:
      return tr("faded: evicted by %1");
    case EvictionStyle::Edge:
      return tr("grey at the top edge: evicted by %1");
    case EvictionStyle::Hatch:
      return tr("hatched: evicted by %1");
  }
  return {};
}

// Wraps words to lines of `width`; a longer word gets its own line.
QStringList wrapped(const QString& text, const QFontMetrics& metrics, int width) {
  QStringList lines;
  for (const QString& word : text.split(QLatin1Char(' '))) {
    const QString longer = lines.isEmpty() ? word : lines.back() + QLatin1Char(' ') + word;
    if (!lines.isEmpty() && metrics.horizontalAdvance(longer) <= width)
      lines.back() = longer;
    else
      lines.push_back(word);
  }
  return lines;
}

// Breaks lines after colons, semicolons and middle dots, then wraps to `width`.
std::vector<BadgeLine> shortened(const std::vector<BadgeLine>& lines, const QFontMetrics& metrics, int width) {
  std::vector<BadgeLine> result;
  for (const BadgeLine& line : lines) {
    QString text = line.text;
    text.replace(QStringLiteral(" · "), QStringLiteral("\n"));
    for (const char* mark : {":", ";"})
      text.replace(QLatin1String(mark) + QLatin1Char(' '), QLatin1String(mark) + QLatin1Char('\n'));
    bool first = true;
    for (const QString& part : text.split(QLatin1Char('\n')))
      for (const QString& words : wrapped(part, metrics, width - (line.swatch ? kSwatch + kPadding : 0)))
        result.push_back({words, std::exchange(first, false) ? line.swatch : std::nullopt});
  }
  return result;
}

QSize sizeOf(const std::vector<BadgeLine>& lines, const QFontMetrics& metrics) {
  int width = 0;
  for (const BadgeLine& line : lines)
    width = std::max(width, metrics.horizontalAdvance(line.text) + (line.swatch ? kSwatch + kPadding : 0));
  return {width + 2 * kPadding, static_cast<int>(lines.size()) * metrics.height() + 2 * kPadding - 2};
}

// `most`: as a fraction of the room's height.
bool fits(const QSize& size, const QRect& room, double most) {
  return size.width() + 2 * kInset <= room.width() && size.height() + 2 * kInset <= most * room.height();
}

void drawLines(QCPPainter& painter, const QRect& box, const std::vector<BadgeLine>& lines, Theme theme) {
  const ThemeColours& colours = themeColours(theme);
  const int line_height = QFontMetrics(painter.font()).height();
  QColor paper = toColour(colours.paper);
  paper.setAlpha(225);
  painter.setAntialiasing(false);
  painter.fillRect(box, paper);
  int top = box.top() + kPadding - 1;
  for (const BadgeLine& line : lines) {
    QRect room(box.left() + kPadding, top, box.width() - 2 * kPadding, line_height);
    if (line.swatch) {
      painter.fillRect(QRect(room.left(), room.center().y() - kSwatch / 2, kSwatch, kSwatch), toColour(*line.swatch));
      room.setLeft(room.left() + kSwatch + kPadding);
    }
    painter.setPen(toColour(colours.ink));
    painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter, line.text);
    top += line_height;
  }
}

}  // namespace

std::vector<BadgeLine> badgeOf(const MapPicture& picture, const QString& detail, const ShadeColours& shades,
                               EvictionStyle style) {
  const bool second = picture.mode == PictureSides::OnlyB && picture.b;
  const MapSide& side = second ? *picture.b : picture.a;
  std::vector<BadgeLine> lines = {
      {tr("layer %1, %2 · %3").arg(side.layer.value).arg(QString::fromStdString(textOf(side.head)), detail), {}}};
  std::vector<BadgeLine> more;
  if (picture.b && picture.mode >= PictureSides::Split)
    more = picture.comparesRuns() ? comparedRuns(picture, shades) : comparedMaps(picture);
  else if (side.kept)
    more = {{evictionText(style).arg(nameOf(side, "this run")), {}}};
  else if (!side.name.empty() && picture.b)
    more = {{QString::fromStdString(side.name), {}}};
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

void drawBadge(QCPPainter& painter, const QRect& area, const QRect& beside, const std::vector<BadgeLine>& lines,
               Theme theme) {
  const QFontMetrics metrics(painter.font());
  const auto widthIn = [](const QRect& room) { return room.width() - 2 * (kPadding + kInset); };
  const std::vector<BadgeLine> narrow = shortened(lines, metrics, widthIn(beside));
  const std::vector<BadgeLine> inside = shortened(lines, metrics, widthIn(area));
  const auto draw = [&](const std::vector<BadgeLine>& shown, const QRect& room, double most) {
    const QSize size = sizeOf(shown, metrics);
    if (!fits(size, room, most)) return false;
    drawLines(painter, QRect(QPoint(room.right() - kInset - size.width(), room.top() + kInset), size), shown, theme);
    return true;
  };
  if (!draw(narrow, beside, 1) && !draw(lines, area, kMostCovered)) draw(inside, area, kMostCovered);
}

}  // namespace kvatlas::views
