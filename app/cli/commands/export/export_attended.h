// `kvatlas export FILE attended`: what generated tokens attended to. Must not know Qt or torch.
#pragma once

#include "app/cli/commands/export/export_parts.h"
#include "app/cli/table_writer.h"
#include "core/trace/reader.h"

namespace kvatlas::app {

// One row per run, step, layer, query head and rank; positions from the prompt's length on are generated tokens.
void attendedTable(const trace::Reader& reader, const ExportRequest& request, TableWriter& table);

}  // namespace kvatlas::app
