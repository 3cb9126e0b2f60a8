#include "app/cli/commands/export/export_page.h"

#include <fmt/format.h>

#include "app/cli/commands/export/export_parts.h"
#include "core/base/console.h"
#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/page/page.h"

namespace kvatlas::app {
namespace {

page::PageOptions optionsOf(const ExportRequest& request) {
  page::PageOptions options{.reduction = request.reduction == "max" ? trace::Reduction::Max : trace::Reduction::Mean,
                            .most_bytes = request.page.most_megabytes << 20};
  for (const std::uint32_t layer : request.page.layers) options.layers.emplace_back(layer);
  for (const std::uint32_t head : request.page.heads) options.heads.emplace_back(head);
  if (request.layer >= 0) options.layers.emplace_back(static_cast<std::uint32_t>(request.layer));
  if (request.head >= 0) options.heads.emplace_back(static_cast<std::uint32_t>(request.head));
  options.level = request.level;
  return options;
}

}  // namespace

void addPageOptions(CLI::App& command, PageExport& page) {
  command.add_option("--layers", page.layers, "page: these layers only, 0,6,12 (default: all recorded)")
      ->delimiter(',');
  command.add_option("--heads", page.heads, "page: these query heads only, 0,3 (default: all recorded)")
      ->delimiter(',');
  command.add_option("--max-size", page.most_megabytes, "page: the largest file in MB; sets the level of the maps")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
}

void exportPage(const ExportRequest& request) {
  if (!request.output.ends_with(".html")) failUsage("{}: a page is written as .html", request.output);
  if (request.run >= 0) failUsage("--run has no meaning for a page: it shows every run");
  const trace::Reader reader(request.file);
  const page::Page page(reader, optionsOf(request));
  say(fmt::format("kvatlas: {}: {:.1f} MB, {}\n", printable(request.output),
                  static_cast<double>(page.bytes()) / (1 << 20), page.summary()));
  OutputFile file(request.output);
  page.write([&](std::string_view piece) { file.write(piece); });
  file.complete();
}

}  // namespace kvatlas::app
