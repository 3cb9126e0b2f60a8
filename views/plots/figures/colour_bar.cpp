#include "views/plots/figures/colour_bar.h"

#include <cmath>

#include "views/models/number_text.h"
#include "views/plots/raster_item.h"

namespace kvatlas::views {
namespace {

constexpr double kTickSpace = 4.5, kLabelGap = 2;  // points

int barWidth(const ColourBar& bar) {
  return static_cast<int>(points(bar.tables.size() == 1 ? 7.0 : 4.0 * static_cast<double>(bar.tables.size())));
}

// Numbers below a thousandth are written in a power of ten that the label names.
int unitPower(const ColourBar& bar) {
  if (bar.scale.kind == ScaleKind::Log || !(bar.scale.high > 0) || bar.scale.high >= 1e-3) return 0;
  return static_cast<int>(std::floor(std::log10(bar.scale.high) + 1e-9));
}

std::string labelOf(const ColourBar& bar) {
  const int power = unitPower(bar);
  return power == 0 ? bar.label : bar.label + " (" + powerOfTen(power) + ")";
}

std::vector<Tick> barTicks(const ColourBar& bar, std::size_t most) {
  const ValueScale& scale = bar.scale;
  const double unit = std::pow(10.0, unitPower(bar));
  std::vector<Tick> ticks = scale.kind == ScaleKind::Log ? logTicks(scale.low, scale.high, most)
                                                         : linearTicks(scale.low / unit, scale.high / unit, most);
  for (Tick& tick : ticks) {
    const double at = scale.position(tick.value * unit);
    if (bar.saturates_high && at > 1 - 1e-9) tick.text = "≥ " + tick.text;
    if (bar.saturates_low && at < 1e-9) tick.text = "≤ " + tick.text;
    tick.value = at;
  }
  return ticks;
}

constexpr std::size_t kMostTicks = 7;

// One column of 256 steps, highest first.
ValueGrid ramp() {
  ValueGrid grid = ValueGrid::filled(256, 1, 0);
  for (std::size_t row = 0; row < 256; ++row) grid.at(row, 0) = static_cast<float>(255 - row) / 255.0F;
  return grid;
}

}  // namespace

int colourBarWidth(const ColourBar& bar) {
  return barWidth(bar) + static_cast<int>(points(kTickSpace)) + Canvas::widestTick(barTicks(bar, kMostTicks)) +
         static_cast<int>(points(kLabelGap)) + Canvas::textHeight(kLabelPoints);
}

void drawColourBar(Canvas& canvas, const ColourBar& bar, const QPoint& top_left, int height) {
  const int width = barWidth(bar);
  QCPAxisRect* panel = canvas.addPanel(QRect(top_left.x(), top_left.y(), width, height));
  for (QCPAxis* axis : panel->axes()) axis->setRange(0, 1);
  const double share = 1.0 / static_cast<double>(bar.tables.size());
  for (std::size_t i = 0; i < bar.tables.size(); ++i) {
    auto* item = new RasterItem(&canvas.plot(), panel);
    item->setData(ramp(), makeColouring(bar.tables[i], ValueScale{}, canvas.theme()), Pooling::Mean);
    item->setExtent(static_cast<double>(i) * share, 1, static_cast<double>(i + 1) * share, 0);
  }
  canvas.setTicks(panel->axis(QCPAxis::atRight), barTicks(bar, kMostTicks));
  const double x = top_left.x() + colourBarWidth(bar) - Canvas::textHeight(kLabelPoints) / 2.0;
  canvas.addText(QPointF(x, top_left.y() + height / 2.0), labelOf(bar), {kLabelPoints, Qt::AlignCenter, -90},
                 canvas.colours().ink);
}

}  // namespace kvatlas::views
