#include "views/models/figures/layer_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/mean.h"

namespace kvatlas::views {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<LayerPanel> panelsByBudget(const RunChoice& choice) {
  std::vector<LayerPanel> panels;
  for (const std::string& budget : choice.budgets) {
    const auto first = std::find_if(choice.runs.begin(), choice.runs.end(),
                                    [&](const ChosenRun& r) { return r.header.budget == budget; });
    panels.push_back({budget, first->header.budget_nominal, {}});
  }
  return panels;
}

// values[step, layer, head] → per layer, per head, the mean over steps.
std::vector<std::vector<double>> headMeans(const std::vector<float>& values, std::size_t layers, std::size_t heads) {
  std::vector<std::vector<double>> means(layers, std::vector<double>(heads, kNan));
  const std::size_t steps = values.size() / (layers * heads);
  for (std::size_t layer = 0; layer < layers; ++layer) {
    for (std::size_t head = 0; head < heads; ++head) {
      std::vector<double> over_steps(steps);
      for (std::size_t step = 0; step < steps; ++step)
        over_steps[step] = values[(step * layers + layer) * heads + head];
      means[layer][head] = meanOfMeasured(over_steps);
    }
  }
  return means;
}

LayerSeries massSeries(const ChosenRun& run, const std::vector<float>& values, const trace::ModelInfo& model,
                       bool oracle) {
  LayerSeries series{run.header.method, run.title, run.index, {}, {}, {}, oracle, false};
  for (const std::vector<double>& heads : headMeans(values, model.layers, model.query_heads)) {
    series.values.push_back(meanOfMeasured(heads));
    if (oracle) continue;
    series.low.push_back(quantile(heads, 0.1));
    series.high.push_back(quantile(heads, 0.9));
  }
  return series;
}

bool agree(const LayerSeries& a, const LayerSeries& b, double tolerance) {
  for (std::size_t layer = 0; layer < a.values.size(); ++layer)
    if (!(std::abs(a.values[layer] - b.values[layer]) <= tolerance)) return false;
  return true;
}

// Oracles first, so that the methods are drawn above them. Those of methods with the same sizes are one line, in grey.
void addOracles(LayerPanel& panel, const std::vector<LayerSeries>& oracles) {
  constexpr double kSameLine = 0.005;
  std::vector<LayerSeries> lines;
  for (const LayerSeries& oracle : oracles) {
    const auto twin =
        std::find_if(lines.begin(), lines.end(), [&](const LayerSeries& l) { return agree(l, oracle, kSameLine); });
    if (twin == lines.end()) {
      lines.push_back(oracle);
    } else {
      twin->shared = true;
    }
  }
  if (lines.size() == 1) lines.front().shared = true;
  panel.series.insert(panel.series.begin(), lines.begin(), lines.end());
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return kNan;
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

LayerLines budgetLines(const trace::Reader& reader, const RunChoice& choice) {
  LayerLines chart{panelsByBudget(choice), "kept tokens per head", 0, 0, false, true, choice.warnings};
  const std::size_t layers = reader.header().model.layers;
  for (LayerPanel& panel : chart.panels) {
    for (const ChosenRun& run : choice.runs) {
      if (run.header.budget != panel.budget) continue;
      if (run.record.capacity.size() != layers * run.header.heads)
        fail("run {}: its capacity table is damaged", run.index);
      LayerSeries series{run.header.method, run.title, run.index, {}, {}, {}, false, false};
      for (std::size_t layer = 0; layer < layers; ++layer) {
        double sum = 0;
        for (std::size_t head = 0; head < run.header.heads; ++head)
          sum += run.record.capacity[layer * run.header.heads + head];
        series.values.push_back(sum / run.header.heads);
        chart.high = std::max(chart.high, series.values.back());
      }
      panel.series.push_back(std::move(series));
    }
  }
  return chart;
}

LayerLines retainedLines(const trace::Reader& reader, const RunChoice& choice, double lowest) {
  LayerLines chart{panelsByBudget(choice), "retained attention mass", lowest, 1, true, false, choice.warnings};
  const trace::ModelInfo& model = reader.header().model;
  const std::size_t step_size = std::size_t{model.layers} * model.query_heads;
  bool any = false;
  for (LayerPanel& panel : chart.panels) {
    std::vector<LayerSeries> oracles;
    for (const ChosenRun& run : choice.runs) {
      if (run.header.budget != panel.budget) continue;
      if (run.record.retained.empty() || run.record.retained.size() % step_size != 0) {
        chart.warnings.push_back(
            fmt::format("run {} ({}) has no retained mass and is not drawn", run.index, run.header.label));
        continue;
      }
      panel.series.push_back(massSeries(run, run.record.retained, model, false));
      if (run.record.oracle.size() == run.record.retained.size())
        oracles.push_back(massSeries(run, run.record.oracle, model, true));
      any = true;
    }
    addOracles(panel, oracles);
  }
  if (!any) fail("{}: holds no retained mass (captured with --max-new-tokens 0)", reader.path().string());
  std::erase_if(chart.panels, [](const LayerPanel& panel) { return panel.series.empty(); });
  return chart;
}

LayerLines combined(std::vector<LayerLines> charts, const std::vector<std::string>& names) {
  if (charts.size() == 1) return std::move(charts.front());
  LayerLines whole = charts.front();
  whole.panels.clear();
  whole.warnings.clear();
  for (std::size_t i = 0; i < charts.size(); ++i) {
    whole.high = std::max(whole.high, charts[i].high);
    for (const std::string& warning : charts[i].warnings) whole.warnings.push_back(names[i] + ": " + warning);
    for (LayerPanel& panel : charts[i].panels) {
      auto home = std::find_if(whole.panels.begin(), whole.panels.end(),
                               [&](const LayerPanel& p) { return p.budget == panel.budget; });
      if (home == whole.panels.end()) home = whole.panels.insert(home, {panel.budget, panel.nominal, {}});
      for (LayerSeries& series : panel.series) {
        series.trace = i;
        series.title += " · " + names[i];
        home->series.push_back(std::move(series));
      }
    }
  }
  std::stable_sort(whole.panels.begin(), whole.panels.end(),
                   [](const LayerPanel& a, const LayerPanel& b) { return a.nominal < b.nominal; });
  return whole;
}

}  // namespace kvatlas::views
