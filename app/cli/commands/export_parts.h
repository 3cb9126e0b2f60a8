// What `kvatlas export` can write: the parts of a trace and the tables of a folder of results. Knows no Qt, no torch.
#pragma once

#include <string>
#include <vector>

#include "app/cli/commands/export_tile.h"

namespace kvatlas::app {

struct ExportRequest {
  std::string file, what, output, reduction = "mean";
  std::string score;                    // results: a recorded score instead of the run's own
  int layer = -1, head = -1, run = -1;  // trace; -1: all
  std::size_t level = 0;
  TileExport tile;
};

[[nodiscard]] std::vector<std::string> tracePartNames();
[[nodiscard]] std::vector<std::string> resultsPartNames();

// The runs that --run asks for, all without it. UsageError for one that there is not.
[[nodiscard]] std::vector<std::size_t> chosenRuns(const trace::Reader& reader, const ExportRequest& request);

// UsageError for a part that there is not, with the nearest names.
void exportTracePart(const ExportRequest& request);
void exportResultsPart(const ExportRequest& request);

}  // namespace kvatlas::app
