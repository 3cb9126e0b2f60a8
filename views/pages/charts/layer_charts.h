// Charts over layers, heads and steps: kept tokens (the pyramid), retained mass with its oracle, KL per generated
// token.
#pragma once

#include "views/pages/charts/run_chart.h"

namespace kvatlas::views {

// Mean kept tokens per head of every layer.
class BudgetChart : public RunChart {
  Q_OBJECT
 public:
  using RunChart::RunChart;

 protected:
  void fillLines() override;
  void choose(const ChartPoint& point) override;
  void follow() override;
  [[nodiscard]] QString describe(const ChartPoint& point) const override;
};

// Kept tokens of every query head of the selected layer: how methods that share a budget among heads share it.
class HeadBudgetChart : public RunChart {
  Q_OBJECT
 public:
  using RunChart::RunChart;

 protected:
  void fillLines() override;
  void choose(const ChartPoint& point) override;
  [[nodiscard]] QString describe(const ChartPoint& point) const override;
};

// Share of the full attention that falls on what is kept, mean over steps and heads; the best set of equal size dashed
// for the run in focus.
class RetainedChart : public RunChart {
  Q_OBJECT
 public:
  using RunChart::RunChart;

 protected:
  void fillLines() override;
  void choose(const ChartPoint& point) override;
  void follow() override;
  [[nodiscard]] QString describe(const ChartPoint& point) const override;
};

// Divergence from the full cache at every generated token.
class KlChart : public RunChart {
  Q_OBJECT
 public:
  using RunChart::RunChart;

 protected:
  void fillLines() override;
  void choose(const ChartPoint& point) override;
  void follow() override;
  [[nodiscard]] QString describe(const ChartPoint& point) const override;
};

// Mean over steps and query heads of [T, layers, heads] values, per layer; empty where there are none.
[[nodiscard]] std::vector<double> meanPerLayer(const std::vector<float>& values, std::size_t layers, std::size_t heads);

}  // namespace kvatlas::views
