#include "views/pages/charts/sweep_chart.h"

#include <QBoxLayout>
#include <QComboBox>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "views/models/items/run_summary.h"
#include "views/pages/charts/plot_theme.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr std::array kOtherStyles{Qt::DashLine, Qt::DotLine, Qt::DashDotLine};

}  // namespace

SweepChart::SweepChart(Document& document, Selection& selection, QWidget* parent)
    : RunChart(document, selection, parent), m_metric(new QComboBox) {
  m_metric->setObjectName(QStringLiteral("sweepMetric"));
  m_metric->setAccessibleName(tr("Number over the budget"));
  m_metric->setToolTip(tr("What the chart shows over the budget of each method"));
  m_metric->addItems({tr("retained mass"), tr("KL"), tr("right answer")});
  addAbovePlot(*static_cast<QBoxLayout*>(layout()), *m_metric, plot());
  connect(m_metric, &QComboBox::currentIndexChanged, this, [this] { refill(); });
}

void SweepChart::setShelf(TraceShelf& shelf) {
  m_shelf = &shelf;
  connect(&shelf, &TraceShelf::changed, this, [this] { refill(); });
  connect(&shelf, &TraceShelf::runsRead, this, [this] { refill(); });
  refill();
}

void SweepChart::setAnswer(const QString& answer) {
  m_answer = answer.trimmed();
  refill();
}

double SweepChart::valueOf(const RunView& run, std::size_t shared_steps) const {
  switch (static_cast<Metric>(m_metric->currentIndex())) {
    case RetainedMass:
      return retainedMass(run);
    case Kl:
      return meanKl(run, std::min(shared_steps, klSteps(run)));
    case RightAnswer:
      if (const auto right = answersRight(run, m_answer)) return *right ? 1 : 0;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// One line per method of a trace, its runs by rising budget.
void SweepChart::addLines(Document& trace, const std::vector<RunId>& runs, Qt::PenStyle style,
                          std::vector<ChartLine>& lines) {
  const std::size_t shared = sharedKlSteps(trace);
  const bool own = &trace == &document();
  std::vector<std::string> methods;
  std::map<std::string, std::vector<Place>> places;
  for (const RunId id : runs) {
    const RunPointer run = trace.runHeader(id).is_full ? nullptr : trace.run(id);
    if (!run) continue;
    const std::string title = trace.runTitle(id);
    if (!places.contains(title)) methods.push_back(title);
    places[title].push_back(
        {own ? &trace : nullptr, trace.path(), id, run->run.record.budget_realised, valueOf(*run, shared)});
  }
  for (const std::string& method : methods) {
    std::vector<Place>& sorted = places[method];
    std::ranges::stable_sort(sorted, {}, &Place::budget);
    const std::string& name = trace.runHeader(sorted.front().run).method;
    ChartLine line;
    line.id = static_cast<int>(m_places.size());
    line.title = QString::fromStdString(method) + (own ? QString() : tr(" · %1").arg(traceName(trace)));
    line.colour = toColour(methodColour(name, themeOf(palette())));
    line.style = style;
    line.mark = methodMark(name);
    for (const Place& place : sorted) {
      line.x.push_back(place.budget);
      line.y.push_back(place.value);
      line.strong = line.strong || (own && place.run == selection().focusRun());
    }
    m_places.push_back(std::move(sorted));
    lines.push_back(std::move(line));
  }
}

// A tick at each budget; shares from the next tenth below the lowest to 1.
void SweepChart::showScale(Metric metric, const std::vector<ChartLine>& lines) {
  QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
  ticker->setSubTickCount(0);
  double low = 1;
  for (const ChartLine& line : lines) {
    for (const double x : line.x) ticker->addTick(x, QString::number(x, 'f', 0));
    for (const double y : line.y)
      if (!std::isnan(y)) low = std::min(low, y);
  }
  plot().xAxis->setTicker(ticker);
  const double from = metric == RightAnswer ? -0.06 : std::floor(low * 10) / 10;
  plot().setYRange(metric == Kl ? std::nullopt : std::optional(QCPRange(from, 1.06)));
}

void SweepChart::fillLines() {
  const auto metric = static_cast<Metric>(m_metric->currentIndex());
  plot().setTitles(tr("kept per head"), m_metric->currentText() + (metric == Kl ? tr(", nats") : QString()));
  plot().setLogarithmic(true, false);
  m_places.clear();
  std::vector<ChartLine> lines;
  addLines(document(), selection().visibleRuns(), Qt::SolidLine, lines);
  std::size_t others = 0;
  if (m_shelf != nullptr)
    for (const auto& trace : m_shelf->traces())
      addLines(*trace, trace->runIds(), kOtherStyles[others++ % kOtherStyles.size()], lines);
  if (lines.empty()) plot().setMessage(tr("no finished eviction run is visible"));
  if (metric == RightAnswer && m_answer.isEmpty())
    plot().setMessage(tr("no answer is known: set the expected answer in the menu of the list of runs"));
  showScale(metric, lines);
  plot().setLines(std::move(lines));
  const RunId focus = selection().focusRun();
  const RunPointer run =
      document().hasRun(focus) && !document().runHeader(focus).is_full ? document().run(focus) : nullptr;
  plot().setMarker(run ? std::optional(run->run.record.budget_realised) : std::nullopt);
}

const SweepChart::Place* SweepChart::placeOf(const ChartPoint& point) const {
  const auto line = static_cast<std::size_t>(point.line);
  return line < m_places.size() && point.index < m_places[line].size() ? &m_places[line][point.index] : nullptr;
}

void SweepChart::choose(const ChartPoint& point) {
  const Place* place = placeOf(point);
  if (place == nullptr) return;
  if (place->document != nullptr) return selection().setFocusRun(place->run);
  emit otherRunChosen(QString::fromStdString(place->path.string()), place->run);
}

QString SweepChart::describe(const ChartPoint& point) const {
  const Place* place = placeOf(point);
  if (place == nullptr) return {};
  Document* trace = place->document != nullptr ? place->document : m_shelf->find(place->path);
  if (trace == nullptr || !trace->hasRun(place->run)) return {};
  const QString name = place->document != nullptr ? titleOf(place->run)
                                                  : tr("%1 · %2").arg(runText(*trace, place->run), traceName(*trace));
  return tr("%1: %2 %3, %4 tokens per head")
      .arg(name, m_metric->currentText(), QString::number(place->value, 'g', 3))
      .arg(place->budget, 0, 'f', 0);
}

}  // namespace kvatlas::views
