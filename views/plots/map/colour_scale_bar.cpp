#include "views/plots/map/colour_scale_bar.h"

#include <QDoubleValidator>
#include <QLineEdit>
#include <QMouseEvent>
#include <QPainter>
#include <QToolButton>
#include <algorithm>
#include <array>
#include <cmath>

#include "views/models/number_text.h"
#include "views/models/ticks.h"
#include "views/plots/canvas.h"
#include "views/plots/map/colour_scale_menu.h"

namespace kvatlas::views {
namespace {

constexpr int kMargin = 8, kScaleWidth = 14, kHistogramWidth = 26, kGripSize = 6, kTickSpacing = 26;
constexpr int kLegendRows = 3, kLegendRow = 14, kLeastHeightForLegend = 220;

}  // namespace

ColourScaleBar::ColourScaleBar(QWidget* parent)
    : QWidget(parent),
      m_colours(m_settings, m_theme),
      m_button(new QToolButton(this)),
      m_fit(new QToolButton(this)),
      m_high(makeLimit("colourHigh", tr("Upper colour limit"))),
      m_low(makeLimit("colourLow", tr("Lower colour limit"))),
      m_menu(new ColourScaleMenu(this)) {
  setMouseTracking(true);
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Expanding);
  m_button->setObjectName(QStringLiteral("colourMenu"));
  m_button->setText(tr("Colours"));
  m_button->setToolTip(
      tr("Colour map and scale. Drag the limits or a range of the histogram; double-click for auto range"));
  m_button->setPopupMode(QToolButton::InstantPopup);
  m_button->setMenu(m_menu);
  m_button->setAutoRaise(true);
  m_fit->setObjectName(QStringLiteral("fitColours"));
  m_fit->setText(tr("Auto range"));
  m_fit->setToolTip(
      tr("Set the limits to the middle 98 % of the visible values, without the first keys (sinks). Panning and zooming "
         "keep them"));
  m_fit->setAutoRaise(true);
  connect(m_fit, &QToolButton::clicked, this, &ColourScaleBar::fitToVisible);
  connect(m_menu, &ColourScaleMenu::changed, this, &ColourScaleBar::change);
  connect(m_menu, &ColourScaleMenu::fitWanted, this, &ColourScaleBar::fitToVisible);
  connect(m_menu, &ColourScaleMenu::resetWanted, this, &ColourScaleBar::resetLimits);
  setSettings(m_settings);
}

QLineEdit* ColourScaleBar::makeLimit(const char* name, const QString& title) {
  auto* edit = new QLineEdit(this);
  edit->setObjectName(QString::fromLatin1(name));
  edit->setAccessibleName(title);
  edit->setToolTip(tr("%1. Type a number, or drag the arrow").arg(title));
  auto* numbers = new QDoubleValidator(edit);
  numbers->setLocale(QLocale::c());
  edit->setValidator(numbers);
  edit->setFrame(false);
  const Grip grip = edit->objectName() == QLatin1String("colourHigh") ? Grip::High : Grip::Low;
  connect(edit, &QLineEdit::editingFinished, this, [this, edit, grip] {
    if (edit->isModified()) typeLimit(grip, edit->text());
  });
  return edit;
}

void ColourScaleBar::typeLimit(Grip grip, const QString& text) {
  bool number = false;
  const double value = QLocale::c().toDouble(text, &number);
  ColourSettings next = m_settings;
  if (number && m_quantity == ScaleQuantity::Probability)
    next = grip == Grip::High ? withLimits(next, m_settings.low, value) : withLimits(next, value, m_settings.high);
  else if (number && m_quantity == ScaleQuantity::Difference)
    next.difference_limit = std::max(std::abs(value), 1e-6);
  else if (number)
    next.ratio_limit = std::max(std::abs(value), 0.1);
  change(next);
  showLimits();
}

void ColourScaleBar::showLimits() {
  for (const auto& [edit, grip] : {std::pair{m_high, Grip::High}, std::pair{m_low, Grip::Low}}) {
    edit->setText(QString::number(limit(grip), 'g', 3));
    edit->setModified(false);
    edit->setCursorPosition(0);
  }
}

QMenu& ColourScaleBar::menu() const {
  return *m_menu;
}

void ColourScaleBar::resetLimits() {
  change(withDefaultLimits(m_settings));
}

void ColourScaleBar::setSettings(const ColourSettings& settings) {
  m_settings = settings;
  m_colours = MapColours(settings, m_theme);
  if (m_grip == Grip::None) m_domain = domainOf(settings, m_quantity);
  showLimits();
  m_menu->setSettings(settings);
  update();
}

void ColourScaleBar::change(const ColourSettings& settings) {
  if (settings == m_settings) return;
  setSettings(settings);
  emit settingsChanged(settings);
}

void ColourScaleBar::setTheme(Theme theme) {
  m_theme = theme;
  setSettings(m_settings);
}

void ColourScaleBar::setQuantity(ScaleQuantity quantity) {
  m_quantity = quantity;
  m_fit->setEnabled(quantity == ScaleQuantity::Probability);
  setSettings(m_settings);
}

void ColourScaleBar::setHistogram(const CodeHistogram& histogram) {
  m_histogram = histogram;
  update();
}

void ColourScaleBar::fitToVisible() {
  if (m_quantity == ScaleQuantity::Probability) change(fittedTo(m_histogram, m_settings));
}

QRect ColourScaleBar::scaleArea() const {
  const int edit = m_high->sizeHint().height();
  const int top = m_button->sizeHint().height() + m_fit->sizeHint().height() + edit + kMargin;
  const int below = legendArea().height() + edit + kMargin;
  return {kHistogramWidth + 2, top, kScaleWidth, std::max(height() - top - below, 10)};
}

QRect ColourScaleBar::legendArea() const {
  const int rows = height() < kLeastHeightForLegend ? 0 : kLegendRows * kLegendRow + kMargin;
  return {0, height() - rows, width(), rows};
}

QRect ColourScaleBar::histogramArea() const {
  const QRect scale = scaleArea();
  return {0, scale.top(), kHistogramWidth, scale.height()};
}

double ColourScaleBar::yOf(double value) const {
  const QRect area = scaleArea();
  return area.top() + (1 - m_domain.position(value)) * area.height();
}

double ColourScaleBar::valueAt(double y) const {
  const QRect area = scaleArea();
  return m_domain.value(1 - (y - area.top()) / area.height());
}

double ColourScaleBar::limit(Grip grip) const {
  const double high = m_quantity == ScaleQuantity::Probability  ? m_settings.high
                      : m_quantity == ScaleQuantity::Difference ? m_settings.difference_limit
                                                                : m_settings.ratio_limit;
  if (grip == Grip::High) return high;
  return m_quantity == ScaleQuantity::Probability ? m_settings.low : -high;
}

void ColourScaleBar::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  const double y = event->position().y();
  const double low = std::abs(y - yOf(limit(Grip::Low))), high = std::abs(y - yOf(limit(Grip::High)));
  m_grip = std::min(low, high) <= kGripSize + 2 ? (low < high ? Grip::Low : Grip::High) : Grip::None;
  if (m_grip == Grip::None && m_quantity == ScaleQuantity::Probability) {
    m_grip = Grip::Range;
    m_range_start = y;
  }
}

void ColourScaleBar::mouseMoveEvent(QMouseEvent* event) {
  const double y = event->position().y();
  setToolTip(QString::fromStdString(plainNumber(valueAt(y))));
  if (m_grip != Grip::None) drag(y);
}

void ColourScaleBar::drag(double y) {
  ColourSettings next = m_settings;
  const double value = valueAt(y);
  if (m_quantity == ScaleQuantity::Difference)
    next.difference_limit = std::max(std::abs(value), 1e-6);
  else if (m_quantity == ScaleQuantity::Ratio)
    next.ratio_limit = std::max(std::abs(value), 0.1);
  else if (m_grip == Grip::Low)
    next = withLimits(next, std::min(value, m_settings.high), m_settings.high);
  else if (m_grip == Grip::High)
    next = withLimits(next, m_settings.low, std::max(value, m_settings.low));
  else if (std::abs(y - m_range_start) > 3)
    next = withLimits(next, valueAt(m_range_start), value);
  change(next);
}

void ColourScaleBar::mouseReleaseEvent(QMouseEvent*) {
  m_grip = Grip::None;
  m_domain = domainOf(m_settings, m_quantity);
  update();
}

void ColourScaleBar::mouseDoubleClickEvent(QMouseEvent*) {
  m_grip = Grip::None;
  fitToVisible();
}

void ColourScaleBar::resizeEvent(QResizeEvent*) {
  m_button->setGeometry(0, 0, width(), m_button->sizeHint().height());
  m_fit->setGeometry(0, m_button->height(), width(), m_fit->sizeHint().height());
  const QRect scale = scaleArea();
  const int edit = m_high->sizeHint().height(), left = kHistogramWidth - 4;
  m_high->setGeometry(left, scale.top() - edit - 2, width() - left, edit);
  m_low->setGeometry(left, scale.bottom() + 4, width() - left, edit);
}

QRgb ColourScaleBar::colourAt(double value) const {
  const Rgb colour = m_quantity == ScaleQuantity::Probability ? m_colours.colourOf(value)
                                                              : m_colours.differenceColour(value / limit(Grip::High));
  return qRgb(colour.r, colour.g, colour.b);
}

void ColourScaleBar::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), toColour(themeColours(m_theme).paper));
  if (m_quantity == ScaleQuantity::Probability && !m_print) drawHistogram(painter);
  drawScale(painter);
  drawTicks(painter);
  if (!m_print) drawGrips(painter);
  drawLegend(painter);
  drawTitle(painter);
}

void ColourScaleBar::setForPrint(bool print) {
  m_print = print;
  for (QWidget* control : std::initializer_list<QWidget*>{m_button, m_fit, m_high, m_low}) control->setVisible(!print);
}

QString ColourScaleBar::quantityText() const {
  if (m_quantity == ScaleQuantity::Difference) return tr("difference of probabilities, A − B");
  if (m_quantity == ScaleQuantity::Ratio) return tr("log₂ (A / B)");
  switch (m_settings.kind) {
    case ScaleKind::Log:
      return tr("attention probability (log)");
    case ScaleKind::Sqrt:
      return tr("attention probability (square root)");
    case ScaleKind::Linear:
      break;
  }
  return tr("attention probability");
}

// What the scale measures, along its right side.
void ColourScaleBar::drawTitle(QPainter& painter) const {
  const QRect area = scaleArea();
  painter.save();
  painter.setPen(toColour(themeColours(m_theme).muted));
  painter.setFont(font());
  painter.translate(width() - 2, area.center().y());
  painter.rotate(-90);
  const int length = area.height();
  const QString text = QFontMetrics(font()).elidedText(quantityText(), Qt::ElideRight, length);
  painter.drawText(QRect(-length / 2, -QFontMetrics(font()).height(), length, QFontMetrics(font()).height()),
                   Qt::AlignCenter, text);
  painter.restore();
}

// Square-root bar lengths keep rare large values visible beside many small ones.
void ColourScaleBar::drawHistogram(QPainter& painter) const {
  const QRect area = histogramArea();
  std::vector<double> rows(static_cast<std::size_t>(area.height()), 0.0);
  for (std::size_t bin = 0; bin < m_histogram.bins.size(); ++bin) {
    const int from = static_cast<int>(yOf(valueOfBin(bin))) - area.top();
    const int to = bin == 0 ? from + 1 : static_cast<int>(yOf(valueOfBin(bin - 1))) - area.top();
    // Spreads a bin over all rows it covers on this scale.
    const int span = std::max(to - from, 1);
    for (int y = std::max(from, 0); y < std::min(from + span, area.height()); ++y)
      rows[static_cast<std::size_t>(y)] += static_cast<double>(m_histogram.bins[bin]) / span;
  }
  const double most = std::max(*std::max_element(rows.begin(), rows.end()), 1.0);
  const ThemeColours& colours = themeColours(m_theme);
  for (std::size_t y = 0; y < rows.size(); ++y) {
    if (rows[y] <= 0) continue;
    const int length = std::max(1, static_cast<int>(std::lround(std::sqrt(rows[y] / most) * area.width())));
    painter.fillRect(area.right() - length + 1, area.top() + static_cast<int>(y), length, 1, toColour(colours.muted));
  }
}

void ColourScaleBar::drawScale(QPainter& painter) const {
  const QRect area = scaleArea();
  for (int y = area.top(); y <= area.bottom(); ++y)
    painter.fillRect(area.left(), y, area.width(), 1, QColor(colourAt(valueAt(y + 0.5))));
  painter.setPen(toColour(themeColours(m_theme).muted));
  painter.drawRect(area.adjusted(0, 0, -1, -1));
}

void ColourScaleBar::drawTicks(QPainter& painter) const {
  const QRect area = scaleArea();
  const auto most = static_cast<std::size_t>(std::max(area.height() / kTickSpacing, 2));
  const std::vector<Tick> ticks = m_domain.kind == ScaleKind::Log ? logTicks(m_domain.low, m_domain.high, most)
                                                                  : linearTicks(m_domain.low, m_domain.high, most);
  painter.setPen(toColour(themeColours(m_theme).ink));
  const QFontMetrics metrics(painter.font());
  double last = -1e9;
  for (auto tick = ticks.rbegin(); tick != ticks.rend(); ++tick) {
    const double y = yOf(tick->value);
    painter.drawLine(QPointF(area.right() + 1, y), QPointF(area.right() + 4, y));
    if (std::abs(y - last) < metrics.height()) continue;  // the square root scale is dense at its low end
    painter.drawText(QPointF(area.right() + 10, y + metrics.ascent() / 2.0 - 1), QString::fromStdString(tick->text));
    if (!tick->text.empty()) last = y;
  }
}

void ColourScaleBar::drawGrips(QPainter& painter) const {
  const QRect area = scaleArea();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(toColour(themeColours(m_theme).paper), 1));
  painter.setBrush(toColour(themeColours(m_theme).ink));
  for (const Grip grip : {Grip::Low, Grip::High}) {
    const double y = std::clamp<double>(yOf(limit(grip)), area.top(), area.bottom() + 1);
    painter.drawPolygon(
        QPolygonF({QPointF(area.right() + 1, y), QPointF(area.right() + 1 + kGripSize, y - kGripSize * 0.7),
                   QPointF(area.right() + 1 + kGripSize, y + kGripSize * 0.7)}));
    painter.drawPolygon(
        QPolygonF({QPointF(area.left() - 1, y), QPointF(area.left() - 1 - kGripSize, y - kGripSize * 0.7),
                   QPointF(area.left() - 1 - kGripSize, y + kGripSize * 0.7)}));
  }
}

// Zero, masked and not captured are three different states, not values of the scale.
void ColourScaleBar::drawLegend(QPainter& painter) const {
  const QRect area = legendArea();
  if (area.isEmpty()) return;
  QFont font = this->font();
  font.setPixelSize(10);
  painter.setFont(font);
  painter.setRenderHint(QPainter::Antialiasing, false);
  const std::array<std::pair<QString, Rgb>, kLegendRows> rows = {std::pair{tr("zero"), m_colours.zero()},
                                                                 {tr("masked"), m_colours.masked()},
                                                                 {tr("not captured"), m_colours.notLoaded()}};
  int top = area.top() + kMargin / 2;
  for (const auto& [text, colour] : rows) {
    const QRect swatch(2, top + 2, 10, kLegendRow - 4);
    painter.fillRect(swatch, toColour(colour));
    if (&text == &rows.back().first)  // hatched as in the map
      for (int y = swatch.top(); y <= swatch.bottom(); ++y)
        for (int x = swatch.left(); x <= swatch.right(); ++x) {
          painter.setPen(toColour(m_colours.notCaptured(x, y)));
          painter.drawPoint(x, y);
        }
    painter.setPen(toColour(themeColours(m_theme).muted));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(swatch.adjusted(0, 0, -1, -1));
    painter.setPen(toColour(themeColours(m_theme).ink));
    painter.drawText(QRect(16, top, width() - 16, kLegendRow), Qt::AlignLeft | Qt::AlignVCenter, text);
    top += kLegendRow;
  }
}

}  // namespace kvatlas::views
