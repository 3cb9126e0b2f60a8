#include "views/plots/canvas.h"

#include <cmath>
#include <limits>

#include "views/plots/offscreen.h"

namespace kvatlas::views {
namespace {

// QCPLayoutInset truncates fractions of its rect to whole units; a quarter unit prevents rounding down.
QRectF fractionOf(const QRect& area, int width, int height) {
  constexpr double kSlack = 0.25;
  return {(area.x() + kSlack) / width, (area.y() + kSlack) / height, (area.width() + kSlack) / width,
          (area.height() + kSlack) / height};
}

}  // namespace

QColor toColour(Rgb colour, double alpha) {
  QColor out(colour.r, colour.g, colour.b);
  out.setAlphaF(static_cast<float>(alpha));
  return out;
}

Canvas::Canvas(double width_inches, int height_units, Theme theme)
    : m_width(inches(width_inches)), m_height(height_units), m_theme(theme) {
  ensureApplication();
  m_plot = std::make_unique<QCustomPlot>();
  m_plot->setLocale(QLocale::c());
  m_plot->setPlottingHints(QCP::phNone);  // no cached label pixmaps: they would be raster text in a PDF
  m_plot->setAntialiasedElements(QCP::aeAll);
  m_plot->setBackground(QBrush(toColour(colours().paper)));
  m_plot->plotLayout()->clear();
  m_plot->plotLayout()->setMargins(QMargins(0, 0, 0, 0));
  m_layout = new QCPLayoutInset;
  m_plot->plotLayout()->addElement(0, 0, m_layout);
}

QCPAxisRect* Canvas::addPanel(const QRect& area, bool frame) {
  auto* panel = new QCPAxisRect(m_plot.get(), true);
  m_layout->addElement(panel, fractionOf(area, m_width, m_height));
  panel->setAutoMargins(QCP::msNone);
  panel->setMargins(QMargins(0, 0, 0, 0));
  panel->setMinimumSize(1, 1);
  const QPen line(toColour(colours().ink), points(kAxisWidth), Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin);
  for (QCPAxis* axis : panel->axes()) {
    axis->setVisible(frame);
    axis->setBasePen(line);
    axis->setTickPen(line);
    axis->setSubTickPen(Qt::NoPen);
    axis->setSubTicks(false);
    axis->setTicks(false);
    axis->setTickLabels(false);
    axis->setTickLength(0, static_cast<int>(points(2.2)));
    axis->setTickLabelPadding(static_cast<int>(points(1.6)));
    axis->setTickLabelFont(font(kTickPoints));
    axis->setTickLabelColor(toColour(colours().ink));
    axis->setPadding(0);
    axis->setOffset(0);
    axis->grid()->setVisible(false);
    axis->setLayer(QStringLiteral("axes"));
  }
  return panel;
}

void Canvas::setTicks(QCPAxis* axis, const std::vector<Tick>& ticks, bool labels) {
  const QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
  for (const Tick& tick : ticks) ticker->addTick(tick.value, QString::fromStdString(tick.text));
  axis->setTicker(ticker);
  axis->setTicks(true);
  axis->setTickLabels(labels);
}

std::vector<Tick> Canvas::withoutTouching(std::vector<Tick> ticks, const QCPAxis& axis, int length) {
  const double gap = points(axis.orientation() == Qt::Horizontal ? 3 : 0);
  const QCPRange range = axis.range();
  double free_from = -std::numeric_limits<double>::infinity();
  for (Tick& tick : ticks) {
    const double share = axis.scaleType() == QCPAxis::stLogarithmic
                             ? std::log(tick.value / range.lower) / std::log(range.upper / range.lower)
                             : (tick.value - range.lower) / range.size();
    const double half =
        (axis.orientation() == Qt::Horizontal ? textWidth(tick.text, kTickPoints) : textHeight(kTickPoints)) / 2.0;
    if (share * length - half < free_from) {
      tick.text.clear();
    } else {
      free_from = share * length + half + gap;
    }
  }
  return ticks;
}

QCPItemText* Canvas::addText(const QPointF& position, const std::string& text, const TextLook& look, Rgb colour) {
  auto* item = new QCPItemText(m_plot.get());
  item->setClipToAxisRect(false);
  item->setLayer(QStringLiteral("overlay"));
  item->position->setType(QCPItemPosition::ptAbsolute);
  item->position->setCoords(position);
  item->setPositionAlignment(look.anchor);
  item->setTextAlignment(Qt::AlignCenter);
  item->setPadding(QMargins(0, 0, 0, 0));
  item->setRotation(look.rotation);
  item->setFont(font(look.size, look.bold));
  item->setColor(toColour(colour));
  item->setText(QString::fromStdString(text));
  return item;
}

void Canvas::addLine(const QPointF& from, const QPointF& to, const QPen& pen) {
  auto* item = new QCPItemLine(m_plot.get());
  item->setClipToAxisRect(false);
  item->setLayer(QStringLiteral("overlay"));
  item->start->setType(QCPItemPosition::ptAbsolute);
  item->end->setType(QCPItemPosition::ptAbsolute);
  item->start->setCoords(from);
  item->end->setCoords(to);
  item->setPen(pen);
}

QFont Canvas::font(double size_points, bool bold) {
  QFont font(QStringList{QStringLiteral("DejaVu Sans"), QStringLiteral("sans-serif")});
  font.setPixelSize(static_cast<int>(std::lround(points(size_points))));
  font.setBold(bold);
  font.setHintingPreference(QFont::PreferNoHinting);
  font.setStyleStrategy(QFont::PreferAntialias);
  font.setKerning(false);  // the same advances in PDF, SVG and PNG
  return font;
}

int Canvas::textWidth(const std::string& text, double size_points, bool bold) {
  return static_cast<int>(
      std::ceil(QFontMetricsF(font(size_points, bold)).horizontalAdvance(QString::fromStdString(text))));
}

std::string Canvas::elided(const std::string& text, double size_points, int width) {
  return QFontMetricsF(font(size_points)).elidedText(QString::fromStdString(text), Qt::ElideRight, width).toStdString();
}

int Canvas::textHeight(double size_points) {
  return static_cast<int>(std::ceil(QFontMetricsF(font(size_points)).height()));
}

int Canvas::widestTick(const std::vector<Tick>& ticks) {
  int widest = 0;
  for (const Tick& tick : ticks) widest = std::max(widest, textWidth(tick.text, kTickPoints));
  return widest;
}

}  // namespace kvatlas::views
