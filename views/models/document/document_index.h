// What opening a trace costs: the header and which of its parts are there, as values. Knows no thread and no view.
#pragma once

#include <string>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/figures/trace_facts.h"

namespace kvatlas::views {

// Unfinished: its writer still works or was stopped. Partial: finished, but some of what it plans is missing.
enum class TraceStatus { Complete, Partial, Unfinished };

struct RunEntry {
  std::size_t index = 0;
  std::string title;  // "PyramidKV", with the label where two runs would read the same
  trace::RunHeader header;
  bool finished = false;
};

struct DocumentIndex {
  trace::TraceHeader header;
  TraceFacts facts;
  TraceStatus status = TraceStatus::Complete;
  std::vector<bool> recorded;  // [layers] attention data are there
  std::vector<RunEntry> runs;
  std::string notes;                  // JSON as stored; empty for none
  std::vector<std::string> warnings;  // sentences for the window's message bar

  [[nodiscard]] bool hasLayer(LayerIndex layer) const { return layer.value < recorded.size() && recorded[layer.value]; }
  [[nodiscard]] bool anyLayer() const;
  [[nodiscard]] bool hasMaps() const { return anyLayer() && !header.attention.cells.empty(); }
};

// Error when the file cannot be read at all; missing parts become warnings.
[[nodiscard]] DocumentIndex documentIndex(const trace::Reader& reader);

// Whether both describe one capture, so that what was read from the one holds for the other.
[[nodiscard]] bool sameCapture(const DocumentIndex& a, const DocumentIndex& b);

}  // namespace kvatlas::views
