// What `kvatlas export` writes: parts of a trace, and tables of a results folder. Must not know Qt or torch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cli/commands/export/export_page.h"
#include "app/cli/commands/export/export_tile.h"

namespace kvatlas::app {

struct ExportRequest {
  std::string file, what, output, reduction = "mean";
  std::string score;                    // results: a recorded score instead of the run's own
  std::string beside;                   // results, table: a CSV file of published numbers
  int layer = -1, head = -1, run = -1;  // trace; -1: all
  std::optional<std::size_t> level;     // empty: the finest; for a page, the finest that fits
  TileExport tile;
  PageExport page;
};

[[nodiscard]] std::vector<std::string> tracePartNames();
[[nodiscard]] std::vector<std::string> resultsPartNames();

// The run of --run, or all runs without it. UsageError when it does not exist.
[[nodiscard]] std::vector<std::size_t> chosenRuns(const trace::Reader& reader, const ExportRequest& request);

// UsageError for an unknown part, with the nearest names.
void exportTracePart(const ExportRequest& request);
void exportResultsPart(const ExportRequest& request);

}  // namespace kvatlas::app
