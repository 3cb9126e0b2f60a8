#include "views/plots/map_badge.h"

#include <QCoreApplication>
#include <algorithm>

#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kPadding = 5, kInset = 6, kSwatch = 9;

QString tr(const char* text) {
  return QCoreApplication::translate("MapBadge", text);
}

QString nameOf(const MapSide& side, const char* without) {
  return side.name.empty() ? QString::fromLatin1(without) : QString::fromStdString(side.name);
}

std::vector<BadgeLine> comparedRuns(const MapPicture& picture, const ShadeColours& shades) {
  const QString a = nameOf(picture.a, "A"), b = nameOf(*picture.b, "B");
  if (picture.mode == CompareMode::Split)
    return {{tr("below the diagonal: kept by %1").arg(a), {}}, {tr("above, mirrored: kept by %1").arg(b), {}}};
  return {{tr("kept by %1 alone").arg(a), shades.only_a}, {tr("kept by %1 alone").arg(b), shades.only_b}};
}

std::vector<BadgeLine> comparedMaps(const MapPicture& picture) {
  const QString a = nameOf(picture.a, "A"), b = nameOf(*picture.b, "B");
  if (picture.mode == CompareMode::Split)
    return {{tr("below the diagonal: %1").arg(a), {}}, {tr("above, mirrored: %1").arg(b), {}}};
  const QString formula = picture.mode == CompareMode::Ratio ? tr("log₂ (A / B)") : tr("A − B");
  return {{formula, {}}, {tr("A: %1").arg(a), {}}, {tr("B: %1").arg(b), {}}};
}

}  // namespace

std::vector<BadgeLine> badgeOf(const MapPicture& picture, const QString& detail, const ShadeColours& shades) {
  const bool second = picture.mode == CompareMode::OnlyB && picture.b;
  const MapSide& side = second ? *picture.b : picture.a;
  std::vector<BadgeLine> lines = {
      {tr("layer %1, %2 · %3").arg(side.layer.value).arg(QString::fromStdString(textOf(side.head)), detail), {}}};
  std::vector<BadgeLine> more;
  if (picture.b && picture.mode >= CompareMode::Split)
    more = picture.comparesRuns() ? comparedRuns(picture, shades) : comparedMaps(picture);
  else if (side.kept)
    more = {{tr("hatched: evicted by %1").arg(nameOf(side, "this run")), {}}};
  else if (!side.name.empty() && picture.b)
    more = {{QString::fromStdString(side.name), {}}};
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

void drawBadge(QCPPainter& painter, const QRect& area, const std::vector<BadgeLine>& lines, Theme theme) {
  const QFontMetrics metrics(painter.font());
  const int line_height = metrics.height();
  int width = 0;
  for (const BadgeLine& line : lines)
    width = std::max(width, metrics.horizontalAdvance(line.text) + (line.swatch ? kSwatch + kPadding : 0));
  const QSize size(width + 2 * kPadding, static_cast<int>(lines.size()) * line_height + 2 * kPadding - 2);
  if (size.width() + 2 * kInset > area.width() || size.height() * 3 > area.height()) return;
  const QRect box(QPoint(area.right() - kInset - size.width(), area.top() + kInset), size);
  const ThemeColours& colours = themeColours(theme);
  QColor paper = toColour(colours.paper);
  paper.setAlpha(225);
  painter.setAntialiasing(false);
  painter.fillRect(box, paper);
  int top = box.top() + kPadding - 1;
  for (const BadgeLine& line : lines) {
    QRect room(box.left() + kPadding, top, width, line_height);
    if (line.swatch) {
      painter.fillRect(QRect(room.left(), room.center().y() - kSwatch / 2, kSwatch, kSwatch), toColour(*line.swatch));
      room.setLeft(room.left() + kSwatch + kPadding);
    }
    painter.setPen(toColour(colours.ink));
    painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter, line.text);
    top += line_height;
  }
}

}  // namespace kvatlas::views
