#include "views/pages/decode/decode_timeline.h"

#include <qcustomplot.h>

#include <QLabel>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "views/models/items/eviction_text.h"
#include "views/pages/charts/cell_plot.h"
#include "views/pages/charts/plot_theme.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/decode/decode_marks.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"
#include "views/plots/raster_item.h"

namespace kvatlas::views {
namespace {

constexpr std::size_t kMostColumns = 4096;
constexpr double kHeldBehindMarks = 0.4;  // strength of the method's colour, so that its dots stand out

}  // namespace

DecodeTimeline::DecodeTimeline(Document& document, Selection& selection, DecodeAttended& attended, QWidget* parent)
    : QWidget(parent),
      m_document(document),
      m_selection(selection),
      m_attended(attended),
      m_title(new QLabel),
      m_plot(new CellPlot),
      m_item(new RasterItem(m_plot, m_plot->axisRect())),
      m_marks(new DecodeMarks(m_plot)),
      m_step(new QCPItemStraightLine(m_plot)) {
  setObjectName(QStringLiteral("decodeTimeline"));
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(m_title);
  column->addWidget(m_plot, 1);
  m_title->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  m_plot->setMinimumSize(220, 70);
  m_plot->setAccessibleName(tr("Cached tokens at every generated token"));
  connect(m_plot, &CellPlot::pointed, this,
          [this](const PlotCell& cell, const QPoint& global) { m_plot->tell(describe(cell), global); });
  connect(m_plot, &CellPlot::left, this, [this] { m_plot->tell({}, {}); });
  connect(m_plot, &CellPlot::picked, this, &DecodeTimeline::choose);
  m_plot->xAxis->setLabel(tr("position"));
  m_plot->yAxis->setLabel(tr("generated"));
  m_plot->yAxis->setRangeReversed(true);
  m_plot->axisRect()->setupFullAxesBox(true);
  setWholeTicks(*m_plot->yAxis);
  m_plot->xAxis->ticker()->setTickCount(3);  // long numbers on a narrow page
  applyTheme();
}

void DecodeTimeline::showMessage(const QString& text) {
  m_grid = {};
  m_item->setData({}, {}, Pooling::Max);
  m_marks->setMarks({});
  m_plot->setCells(0, 0);
  m_title->setText(text);
  m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void DecodeTimeline::updateNow() {
  const RunId focus = m_selection.focusRun();
  if (!m_document.isOpen()) return showMessage({});
  if (!m_document.hasRun(focus)) return showMessage(tr("Choose a run in the list of runs."));
  const RunPointer view = m_document.run(focus);
  if (!view) return showMessage(tr("Loading…"));
  m_grid = decodeGrid(*view, m_selection.layer(), m_selection.head(), kMostColumns);
  if (m_grid.positions == 0) return showMessage(tr("%1 generated no tokens.").arg(runText(m_document, focus)));
  showMarks(*view);
  const bool marked = !m_marks->marks().empty();
  const Theme theme = themeOf(palette());
  m_title->setText(marked ? tr("cached tokens (dots: attention)") : tr("cached tokens"));
  m_title->setToolTip(marked ? tr("Dots: the keys each generated token attends to; their area is the attention mass")
                             : QString());
  const Rgb colour = methodColour(view->run.header.method, theme);
  const ThemeColours& colours = themeColours(theme);
  const auto steps = static_cast<double>(m_grid.held.rows), positions = static_cast<double>(m_grid.positions);
  m_item->setData(m_grid.held,
                  makeColouring(rampTo(colours.evicted, marked ? mix(colours.paper, colour, kHeldBehindMarks) : colour),
                                ValueScale{}, theme),
                  Pooling::Max);
  m_item->setExtent(0, -0.5, positions, steps - 0.5);
  m_plot->setCells(m_grid.held.rows, m_grid.positions);
  if (!m_plot->hasFocus())
    m_plot->setKeyCell({m_selection.step(), m_selection.cursor() ? std::uint64_t{m_selection.cursor()->key} : 0});
  m_plot->xAxis->setRange(0, positions);
  m_plot->yAxis->setRange(-0.5, steps - 0.5);
  showStep();
}

QString DecodeTimeline::title() const {
  return m_title->text();
}

void DecodeTimeline::showMarks(const RunView& view) {
  std::vector<DecodeMark> marks;
  for (std::size_t step = 0; step < view.run.record.decode_ids.size(); ++step)
    for (const AttendedKey& key : m_attended.keys(step))
      marks.push_back({static_cast<double>(step), static_cast<double>(key.position), key.mass});
  m_marks->setMarks(std::move(marks));
  const Theme theme = themeOf(palette());
  m_marks->setColours(toColour(methodColour(view.run.header.method, theme)), toColour(themeColours(theme).paper),
                      toColour(themeColours(theme).ink));
}

void DecodeTimeline::showStep() {
  m_marks->setChosenStep(m_selection.step());
  m_step->point1->setCoords(0, m_selection.step());
  m_step->point2->setCoords(1, m_selection.step());
  m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void DecodeTimeline::choose(const PlotCell& cell) {
  m_selection.setStep(static_cast<std::uint32_t>(cell.row));
  const auto last = static_cast<TokenIndex>(m_document.tokens() - 1);
  if (cell.position <= last) m_selection.setCursor(Cell{last, static_cast<TokenIndex>(cell.position)});
}

QString DecodeTimeline::describe(const PlotCell& cell) const {
  const float held = m_grid.held.at(cell.row, cell.position / m_grid.bin);
  const QString where = tr("token %1, position %2").arg(cell.row).arg(cell.position);
  if (held < 0) return tr("%1: not generated yet").arg(where);
  const QString text = m_grid.bin == 1 ? tr("%1: cached by %2 % of the heads").arg(where).arg(qRound(held * 100))
                                       : tr("%1: up to %3 % of the heads cache a position of this cell (%2 positions)")
                                             .arg(where)
                                             .arg(m_grid.bin)
                                             .arg(qRound(held * 100));
  return text + describeEviction(cell) + describeMark(cell);
}

// Who evicted the position, when and why; a cell of several positions has no one answer.
QString DecodeTimeline::describeEviction(const PlotCell& cell) const {
  const RunPointer view = m_document.run(m_selection.focusRun());
  if (!view || m_grid.bin > 1) return {};
  const std::string story = evictionStory(*view, m_selection.layer(), m_selection.head(), cell.position,
                                          static_cast<std::uint32_t>(cell.row));
  return story.empty() ? QString() : QLatin1Char('\n') + QString::fromStdString(story);
}

// The dot near the pointer, if any.
QString DecodeTimeline::describeMark(const PlotCell& cell) const {
  const DecodeMark* nearest = nullptr;
  double distance = 6;  // pixels
  for (const DecodeMark& mark : m_marks->marks()) {
    if (mark.step != static_cast<double>(cell.row)) continue;
    const double away = std::abs(m_plot->xAxis->coordToPixel(mark.position) -
                                 m_plot->xAxis->coordToPixel(static_cast<double>(cell.position)));
    if (away >= distance) continue;
    distance = away;
    nearest = &mark;
  }
  if (nearest == nullptr) return {};
  const auto position = static_cast<std::uint64_t>(nearest->position);
  return tr("\nattends to position %1 “%2” with mass %3")
      .arg(position)
      .arg(QString::fromStdString(m_attended.token(position).text))
      .arg(nearest->mass, 0, 'f', 3);
}

void DecodeTimeline::applyTheme() {
  applyPlotTheme(*m_plot, palette(), font());
  m_step->setPen(QPen(toColour(themeColours(themeOf(palette())).ink), 1, Qt::DashLine));
}

void DecodeTimeline::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange) return;
  applyTheme();
  updateNow();
}

}  // namespace kvatlas::views
