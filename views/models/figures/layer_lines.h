// Numbers per layer as lines: kept tokens (the pyramid) and retained mass, one panel per budget; knows no Qt Gui.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/figures/run_choice.h"

namespace kvatlas::views {

struct LayerSeries {
  std::string method, title;
  std::size_t run = 0;
  std::vector<double> values;     // [layers]; NaN: unknown
  std::vector<double> low, high;  // [layers] p10 and p90 over heads; empty: no band
  bool oracle = false;            // the best set of equal size: dashed
  bool shared = false;            // an oracle that serves several methods of the panel, or the only one: grey
  std::size_t trace = 0;          // of several; its name stands behind the title
};

struct LayerPanel {
  std::string budget;  // as given
  double nominal = 0;  // tokens per head
  std::vector<LayerSeries> series;
};

struct LayerLines {
  std::vector<LayerPanel> panels;  // ascending budget
  std::string quantity;            // "kept tokens per head"
  double low = 0, high = 1;        // the y range of every panel where shared_range, else of the highest
  bool shared_range = false;       // false: each panel from 0 to its own top
  bool whole = false;              // values are counts
  std::vector<std::string> warnings;
};

// Mean over the stored heads of the capacity of each layer.
[[nodiscard]] LayerLines budgetLines(const trace::Reader& reader, const RunChoice& choice);

// Mean over steps and query heads of the retained mass; band: p10 and p90 over heads of the mean over steps. Oracles
// that agree within 0.005 in every layer are drawn once, in grey. Error where no run has decoded.
[[nodiscard]] LayerLines retainedLines(const trace::Reader& reader, const RunChoice& choice, double lowest);

// One chart of several, panels of one budget together; `names` are those of the traces, behind every title.
[[nodiscard]] LayerLines combined(std::vector<LayerLines> charts, const std::vector<std::string>& names);

// Quantile with linear interpolation between order statistics (the usual "type 7"); NaNs are left out.
[[nodiscard]] double quantile(std::vector<double> values, double q);

}  // namespace kvatlas::views
