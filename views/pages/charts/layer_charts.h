// Charts over layers, heads and steps: kept tokens (the pyramid),
// retained mass with its oracle, KL per generated token.
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

// Kept tokens of every query head of the selected layer: how methods divide a layer's budget among its heads.
class HeadBudgetChart : public RunChart {
  Q_OBJECT
 public:
  using RunChart::RunChart;

 protected:
  void fillLines() override;
  void choose(const ChartPoint& point) override;
  [[nodiscard]] QString describe(const ChartPoint& point) const override;
};

// Share of the full cache's attention that falls on the kept tokens, mean over steps and heads; for the focused run
// also the oracle of the same budget (dashed).
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

// KL divergence from the full cache at every generated token, in nats.
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

// Mean over steps and query heads of [T, layers, heads] values, per layer; empty for no values.
[[nodiscard]] std::vector<double> meanPerLayer(const std::vector<float>& values, std::size_t layers, std::size_t heads);

}  // namespace kvatlas::views
