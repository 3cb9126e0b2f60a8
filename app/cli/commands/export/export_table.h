// `kvatlas export OUT table`: the table of a paper as Markdown, CSV or LaTeX.
#pragma once

#include "app/cli/commands/export/export_parts.h"
#include "core/results/reader.h"

namespace kvatlas::app {

// UsageError: an output that is none of *.md, *.csv, *.tex. Error: an unreadable file of --beside.
void exportTable(const results::ResultsReader& reader, const ExportRequest& request);

}  // namespace kvatlas::app
