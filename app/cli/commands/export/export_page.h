// `kvatlas export FILE page`: the trace as one HTML file.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace kvatlas::app {

struct ExportRequest;

struct PageExport {
  std::vector<std::uint32_t> layers, heads;
  std::uint64_t most_megabytes = 16;
};

void addPageOptions(CLI::App& command, PageExport& page);

// Prints the size before it writes. UsageError unless the name ends in .html, or for what the trace does not have.
void exportPage(const ExportRequest& request);

}  // namespace kvatlas::app
