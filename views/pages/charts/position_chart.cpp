#include "views/pages/charts/position_chart.h"

#include <qcustomplot.h>

#include <QLabel>
#include <QToolTip>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "views/models/document/run_colour.h"
#include "views/models/figures/run_strips.h"
#include "views/models/ticks.h"
#include "views/pages/charts/plot_theme.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"
#include "views/plots/raster_item.h"

namespace kvatlas::views {
namespace {

// Layer row and position at the pixel; either may be out of range.
std::pair<double, double> placeOf(const QCustomPlot& plot, const QPointF& pixel) {
  return {std::round(plot.yAxis->pixelToCoord(pixel.y())), std::floor(plot.xAxis->pixelToCoord(pixel.x()))};
}

}  // namespace

PositionChart::PositionChart(Document& document, Selection& selection, QWidget* parent)
    : RestingPage(parent),
      m_document(document),
      m_selection(selection),
      m_title(new QLabel),
      m_plot(new QCustomPlot),
      m_item(new RasterItem(m_plot, m_plot->axisRect())) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 2, 0, 0);
  column->setSpacing(0);
  column->addWidget(m_title);
  column->addWidget(m_plot, 1);
  m_plot->setMinimumHeight(80);
  m_plot->setMouseTracking(true);
  m_plot->installEventFilter(this);
  m_plot->xAxis->setLabel(tr("position in the prompt"));
  m_plot->yAxis->setLabel(tr("layer"));
  m_plot->yAxis->setRangeReversed(true);  // layer 0 at the top
  m_plot->axisRect()->setupFullAxesBox(true);
  setWholeTicks(*m_plot->yAxis);
  for (const auto signal : {&Document::opened, &Document::refreshed, &Document::closed})
    connect(&document, signal, this, &PositionChart::refill);
  connect(&document, &Document::runReady, this, &PositionChart::refill);
  connect(&selection, &Selection::reset, this, &PositionChart::refill);
  connect(&selection, &Selection::focusRunChanged, this, &PositionChart::refill);
  PositionChart::applyTheme();
}

void PositionChart::showMessage(const QString& text) {
  m_view.reset();
  m_item->setData({}, {}, Pooling::Max);
  m_title->setText(text);
  m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void PositionChart::fill() {
  if (!m_document.isOpen()) return showMessage({});
  const RunId focus = m_selection.focusRun();
  if (focus == kNoRun || !m_document.hasRun(focus)) return showMessage(tr("Choose a run in the list of runs."));
  const RunPointer view = m_document.run(focus);
  if (!view)
    return showMessage(m_document.runFinished(focus) ? tr("Loading…")
                                                     : tr("%1 is not finished.").arg(runText(m_document, focus)));
  if (view->everything()) return showMessage(tr("%1 keeps every position.").arg(runText(m_document, focus)));
  m_view = view;
  const auto tokens = static_cast<double>(m_document.tokens());
  const double layers = m_document.model().layers;
  const Theme theme = themeOf(palette());
  const Rgb colour = runColour(m_document, focus, theme);
  m_title->setText(
      tr("%1: stronger colour = more heads of the layer keep the position").arg(runText(m_document, focus)));
  m_item->setData(keptFractions(m_document.model(), m_document.tokens(), view->run),
                  makeColouring(rampTo(themeColours(theme).evicted, colour), ValueScale{}, theme), Pooling::Max);
  m_item->setExtent(0, -0.5, tokens, layers - 0.5);
  m_plot->xAxis->setRange(0, tokens);
  m_plot->yAxis->setRange(-0.5, layers - 0.5);
  m_plot->replot(QCustomPlot::rpQueuedReplot);
}

QString PositionChart::describe(const QPointF& pixel) const {
  const auto [layer, position] = placeOf(*m_plot, pixel);
  if (!m_view || layer < 0 || layer >= m_view->model.layers || position < 0 ||
      position >= static_cast<double>(m_view->tokens))
    return {};
  std::uint32_t keep = 0;
  for (std::uint32_t head = 0; head < m_view->heads(); ++head)
    keep += m_view->keeps(LayerIndex(static_cast<std::size_t>(layer)), head, static_cast<TokenIndex>(position)) ? 1 : 0;
  return tr("layer %1, position %2: kept by %3 of %4 heads")
      .arg(layer)
      .arg(position, 0, 'f', 0)
      .arg(keep)
      .arg(m_view->heads());
}

void PositionChart::choose(const QPointF& pixel) {
  if (describe(pixel).isEmpty()) return;
  const auto [layer, position] = placeOf(*m_plot, pixel);
  const auto key = static_cast<TokenIndex>(position);
  const TokenIndex query =
      m_selection.cursor() ? m_selection.cursor()->query : static_cast<TokenIndex>(m_view->tokens - 1);
  m_selection.setLayer(LayerIndex(static_cast<std::size_t>(layer)));
  m_selection.setCursor(Cell{std::max(query, key), key});
}

bool PositionChart::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::MouseMove) {
    const auto* mouse = static_cast<QMouseEvent*>(event);
    QToolTip::showText(mouse->globalPosition().toPoint(), describe(mouse->position()), m_plot);
  } else if (event->type() == QEvent::MouseButtonRelease) {
    const auto* mouse = static_cast<QMouseEvent*>(event);
    if (mouse->button() == Qt::LeftButton) choose(mouse->position());
  }
  return QWidget::eventFilter(watched, event);
}

void PositionChart::applyTheme() {
  applyPlotTheme(*m_plot, palette(), font());
}

QString PositionChart::csv() const {
  QString text = QStringLiteral("layer,position,fraction of heads that keep it\n");
  if (!m_view) return text;
  const ValueGrid grid = keptFractions(m_view->model, m_view->tokens, m_view->run);
  for (std::size_t layer = 0; layer < grid.rows; ++layer)
    for (std::size_t position = 0; position < grid.columns; ++position)
      if (grid.at(layer, position) > 0)
        text += QStringLiteral("%1,%2,%3\n")
                    .arg(layer)
                    .arg(position)
                    .arg(static_cast<double>(grid.at(layer, position)), 0, 'g', 6);
  return text;
}

}  // namespace kvatlas::views
