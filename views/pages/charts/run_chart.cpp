#include "views/pages/charts/run_chart.h"

#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "views/models/document/run_colour.h"
#include "views/models/qt_text.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {

RunChart::RunChart(Document& document, Selection& selection, QWidget* parent)
    : RestingPage(parent), m_document(document), m_selection(selection), m_plot(new ChartPlot) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(m_plot);
  for (const auto signal : {&Document::opened, &Document::refreshed, &Document::closed, &Document::runListChanged})
    connect(&document, signal, this, &RunChart::refill);
  connect(&document, &Document::runReady, this, &RunChart::refill);
  for (const auto signal : {&Selection::reset, &Selection::focusRunChanged, &Selection::hiddenRunsChanged})
    connect(&selection, signal, this, &RunChart::refill);
  for (const auto signal : {&Selection::layerChanged, &Selection::headChanged, &Selection::stepChanged})
    connect(&selection, signal, this, &RunChart::followIfSeen);
  connect(m_plot, &ChartPlot::picked, this, [this](const ChartPoint& point) {
    if (!stale()) choose(point);
  });
  connect(m_plot, &ChartPlot::hovered, this, [this](const std::optional<ChartPoint>& point, const QPoint& where) {
    m_plot->tell(point && !stale() ? describe(*point) : QString(), where);
  });
}

void RunChart::fill() {
  m_plot->setMessage({});
  if (m_document.isOpen())
    fillLines();
  else
    m_plot->setLines({});
}

std::vector<RunPointer> RunChart::runs() const {
  std::vector<RunPointer> found;
  for (const RunId id : m_selection.visibleRuns()) {
    if (m_document.runHeader(id).is_full) continue;
    if (const RunPointer view = m_document.run(id)) found.push_back(view);
  }
  return found;
}

ChartLine RunChart::lineOf(const RunView& view) const {
  std::set<double> budgets;
  for (const RunId id : m_document.runIds())
    if (!m_document.runHeader(id).is_full) budgets.insert(m_document.runHeader(id).budget_nominal);
  const auto rank = std::distance(budgets.begin(), budgets.find(view.run.header.budget_nominal));
  constexpr std::array kStyles{Qt::SolidLine, Qt::DashLine, Qt::DotLine, Qt::DashDotLine};
  ChartLine line;
  line.id = view.id;
  line.title = titleOf(view.id);
  line.colour = toColour(runColour(m_document, view.id, themeOf(palette())));
  line.style = isWhatIf(view.id) ? Qt::DashDotDotLine : kStyles[static_cast<std::size_t>(rank) % kStyles.size()];
  line.mark = methodMark(view.run.header.method);
  line.strong = view.id == m_selection.focusRun();
  return line;
}

QString RunChart::titleOf(RunId run) const {
  return runText(m_document, run);
}

QString runText(const Document& document, RunId run) {
  if (!document.hasRun(run)) return {};
  const QString title = QString::fromStdString(document.runTitle(run));
  const trace::RunHeader& header = document.runHeader(run);
  const QString budget = QString::fromStdString(header.budget);
  return header.is_full || title.contains(budget) ? title : title + QLatin1Char(' ') + budget;
}

QString RunChart::csv() const {
  QString text = QStringLiteral("line,%1,%2\n").arg(csvQuoted(m_plot->xAxis->label()), csvQuoted(m_plot->yTitle()));
  for (const ChartLine& line : m_plot->lines())
    for (std::size_t i = 0; i < line.x.size(); ++i)
      text +=
          QStringLiteral("%1,%2,%3\n").arg(csvQuoted(line.title)).arg(line.x[i], 0, 'g', 9).arg(line.y[i], 0, 'g', 9);
  return text;
}

}  // namespace kvatlas::views
