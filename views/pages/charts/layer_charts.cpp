#include "views/pages/charts/layer_charts.h"

#include <numeric>

#include "core/base/mean.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kOracle = -2;  // the line that is no run

std::vector<double> countUp(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

std::vector<double> meanCapacity(const RunView& view) {
  const std::size_t heads = view.heads();
  const auto& capacity = view.run.record.capacity;
  std::vector<double> means(heads == 0 ? 0 : capacity.size() / heads);
  for (std::size_t layer = 0; layer < means.size(); ++layer)
    means[layer] = std::accumulate(capacity.begin() + static_cast<std::ptrdiff_t>(layer * heads),
                                   capacity.begin() + static_cast<std::ptrdiff_t>((layer + 1) * heads), 0.0) /
                   static_cast<double>(heads);
  return means;
}

}  // namespace

std::vector<double> meanPerLayer(const std::vector<float>& values, std::size_t layers, std::size_t heads) {
  const std::size_t row = layers * heads;
  if (row == 0 || values.empty()) return {};
  std::vector<MeanOfMeasured> sums(layers);
  for (std::size_t i = 0; i < values.size(); ++i) sums[i % row / heads].add(static_cast<double>(values[i]));
  std::vector<double> means;
  for (const MeanOfMeasured& sum : sums) means.push_back(sum.value());
  return means;
}

void BudgetChart::fillLines() {
  plot().setTitles(tr("layer"), tr("kept per head"));
  std::vector<ChartLine> lines;
  for (const RunPointer& view : runs()) {
    ChartLine line = lineOf(*view);
    line.y = meanCapacity(*view);
    line.x = countUp(line.y.size());
    lines.push_back(std::move(line));
  }
  if (lines.empty()) plot().setMessage(tr("no finished run of an eviction method is shown"));
  plot().setLines(std::move(lines));
  follow();
}

void BudgetChart::follow() {
  plot().setMarker(selection().layer().value);
}

void BudgetChart::choose(const ChartPoint& point) {
  selection().setFocusRun(point.line);
  selection().setLayer(LayerIndex(point.index));
}

QString BudgetChart::describe(const ChartPoint& point) const {
  return tr("%1, layer %2: %3 tokens per head").arg(titleOf(point.line)).arg(point.x).arg(point.y, 0, 'f', 1);
}

void HeadBudgetChart::fillLines() {
  const LayerIndex layer = selection().layer();
  plot().setTitles(tr("query head of layer %1").arg(layer.value), tr("kept tokens"));
  std::vector<ChartLine> lines;
  for (const RunPointer& view : runs()) {
    ChartLine line = lineOf(*view);
    line.x = countUp(view->model.query_heads);
    const std::size_t heads = view->heads(), group = line.x.size() / heads;
    for (std::size_t head = 0; head < line.x.size(); ++head)
      line.y.push_back(view->run.record.capacity[layer.value * heads + head / group]);
    lines.push_back(std::move(line));
  }
  if (lines.empty()) plot().setMessage(tr("no finished run of an eviction method is shown"));
  plot().setLines(std::move(lines));
  const HeadChoice& head = selection().head();
  plot().setMarker(head.kind == HeadChoice::QueryHead ? std::optional<double>(head.index) : std::nullopt);
}

void HeadBudgetChart::choose(const ChartPoint& point) {
  selection().setFocusRun(point.line);
  selection().setHead({HeadChoice::QueryHead, static_cast<std::uint32_t>(point.index)});
}

QString HeadBudgetChart::describe(const ChartPoint& point) const {
  return tr("%1, head %2: %3 tokens").arg(titleOf(point.line)).arg(point.x).arg(point.y);
}

void RetainedChart::fillLines() {
  plot().setTitles(tr("layer"), tr("retained mass"));
  plot().setYRange(QCPRange(0, 1.02));
  std::vector<ChartLine> lines;
  for (const RunPointer& view : runs()) {
    const trace::RunRecord& record = view->run.record;
    ChartLine line = lineOf(*view);
    line.y = meanPerLayer(record.retained, view->model.layers, view->model.query_heads);
    line.x = countUp(line.y.size());
    if (line.y.empty()) continue;
    if (line.strong) {
      ChartLine oracle;
      oracle.id = kOracle;
      oracle.title = tr("best set of its size");
      oracle.colour = toColour(oracleColour(themeOf(palette())));
      oracle.style = Qt::DashLine;
      oracle.y = meanPerLayer(record.oracle, view->model.layers, view->model.query_heads);
      oracle.x = countUp(oracle.y.size());
      lines.push_back(std::move(oracle));
    }
    lines.push_back(std::move(line));
  }
  if (lines.empty()) plot().setMessage(tr("no run has generated anything: retained mass is measured while decoding"));
  plot().setLines(std::move(lines));
  follow();
}

void RetainedChart::follow() {
  plot().setMarker(selection().layer().value);
}

void RetainedChart::choose(const ChartPoint& point) {
  if (point.line != kOracle) selection().setFocusRun(point.line);
  selection().setLayer(LayerIndex(point.index));
}

QString RetainedChart::describe(const ChartPoint& point) const {
  const QString who = point.line == kOracle ? tr("best set of equal size") : titleOf(point.line);
  return tr("%1, layer %2: %3").arg(who).arg(point.x).arg(point.y, 0, 'f', 3);
}

void KlChart::fillLines() {
  plot().setTitles(tr("generated token"), tr("KL, nats"));
  std::vector<ChartLine> lines;
  for (const RunPointer& view : runs()) {
    ChartLine line = lineOf(*view);
    for (const float kl : view->run.record.kl) line.y.push_back(static_cast<double>(kl));
    line.x = countUp(line.y.size());
    if (!line.y.empty()) lines.push_back(std::move(line));
  }
  if (lines.empty()) plot().setMessage(tr("no run has generated anything"));
  plot().setLines(std::move(lines));
  follow();
}

void KlChart::follow() {
  plot().setMarker(selection().step());
}

void KlChart::choose(const ChartPoint& point) {
  selection().setFocusRun(point.line);
  selection().setStep(static_cast<std::uint32_t>(point.index));
}

QString KlChart::describe(const ChartPoint& point) const {
  return tr("%1, token %2: %3 nats").arg(titleOf(point.line)).arg(point.x).arg(point.y, 0, 'g', 3);
}

}  // namespace kvatlas::views
