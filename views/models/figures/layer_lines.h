// Line charts over layers: kept tokens (the pyramid) and retained mass, one panel per budget; no Qt Gui.
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
  bool oracle = false;            // the oracle: dashed
  bool shared = false;            // the only oracle of the panel, or one of several methods: grey
  std::size_t trace = 0;          // index; the title ends with its name
};

struct LayerPanel {
  std::string budget;  // as given
  double nominal = 0;  // tokens per head
  std::vector<LayerSeries> series;
};

struct LayerLines {
  std::vector<LayerPanel> panels;  // ascending budget
  std::string quantity;            // "kept tokens per head"
  double low = 0, high = 1;        // the y range of all panels if shared_range, else of the highest
  bool shared_range = false;       // false: each panel from 0 to its own maximum
  bool whole = false;              // values are counts
  std::vector<std::string> warnings;
};

// The capacity of each layer, mean over stored heads.
[[nodiscard]] LayerLines budgetLines(const trace::Reader& reader, const RunChoice& choice);

// The retained mass, mean over steps and query heads; band: p10 and p90 over heads of the mean over steps. Oracles that
// agree within 0.005 in every layer become one grey line. Error if no run has decoded.
[[nodiscard]] LayerLines retainedLines(const trace::Reader& reader, const RunChoice& choice, double lowest);

// Merges charts of several traces; panels of equal budget become one. Appends the trace's name to every title.
[[nodiscard]] LayerLines combined(std::vector<LayerLines> charts, const std::vector<std::string>& names);

// Quantile with linear interpolation between order statistics ("type 7", the default of R and NumPy); skips NaNs.
[[nodiscard]] double quantile(std::vector<double> values, double q);

}  // namespace kvatlas::views
