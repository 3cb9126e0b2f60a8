#include "views/pages/charts/position_chart.h"

#include <QLabel>
#include <QVBoxLayout>
#include <algorithm>

#include "views/models/document/run_colour.h"
#include "views/models/figures/run_strips.h"
#include "views/models/ticks.h"
#include "views/pages/charts/cell_plot.h"
#include "views/pages/charts/plot_theme.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"
#include "views/plots/raster_item.h"

namespace kvatlas::views {
PositionChart::PositionChart(Document& document, Selection& selection, QWidget* parent)
    : RestingPage(parent),
      m_document(document),
      m_selection(selection),
      m_title(new QLabel),
      m_plot(new CellPlot),
      m_item(new RasterItem(m_plot, m_plot->axisRect())) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 2, 0, 0);
  column->setSpacing(0);
  column->addWidget(m_title);
  column->addWidget(m_plot, 1);
  m_plot->setMinimumHeight(80);
  m_plot->setAccessibleName(tr("Kept positions of every layer"));
  connect(m_plot, &CellPlot::pointed, this,
          [this](const PlotCell& cell, const QPoint& global) { m_plot->tell(describe(cell), global); });
  connect(m_plot, &CellPlot::left, this, [this] { m_plot->tell({}, {}); });
  connect(m_plot, &CellPlot::picked, this, &PositionChart::choose);
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
  m_plot->setCells(0, 0);
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
  m_plot->setCells(m_document.model().layers, m_document.tokens());
  if (!m_plot->hasFocus())
    m_plot->setKeyCell(
        {m_selection.layer().value, m_selection.cursor() ? std::uint64_t{m_selection.cursor()->key} : 0});
  m_plot->xAxis->setRange(0, tokens);
  m_plot->yAxis->setRange(-0.5, layers - 0.5);
  m_plot->replot(QCustomPlot::rpQueuedReplot);
}

QString PositionChart::describe(const PlotCell& cell) const {
  if (!m_view) return {};
  const LayerIndex layer(static_cast<std::size_t>(cell.row));
  const auto position = static_cast<TokenIndex>(cell.position);
  std::uint32_t keep = 0;
  for (std::uint32_t head = 0; head < m_view->heads(); ++head) keep += m_view->keeps(layer, head, position) ? 1 : 0;
  return tr("layer %1, position %2: kept by %3 of %4 heads")
      .arg(layer.value)
      .arg(position)
      .arg(keep)
      .arg(m_view->heads());
}

void PositionChart::choose(const PlotCell& cell) {
  if (!m_view) return;
  const auto key = static_cast<TokenIndex>(cell.position);
  const TokenIndex query =
      m_selection.cursor() ? m_selection.cursor()->query : static_cast<TokenIndex>(m_view->tokens - 1);
  m_selection.setLayer(LayerIndex(static_cast<std::size_t>(cell.row)));
  m_selection.setCursor(Cell{std::max(query, key), key});
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
