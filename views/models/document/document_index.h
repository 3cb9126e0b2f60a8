// What opening a trace reads: the header and which layers and runs are recorded.
#pragma once

#include <string>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/figures/trace_facts.h"

namespace kvatlas::views {

// Unfinished: capture in progress or interrupted. Partial: finished, but some planned layers or runs are missing.
enum class TraceStatus { Complete, Partial, Unfinished };

struct RunEntry {
  std::size_t index = 0;
  std::string title;  // "PyramidKV", plus the label where two runs would have the same title
  trace::RunHeader header;
  bool finished = false;
};

struct DocumentIndex {
  trace::TraceHeader header;
  TraceFacts facts;
  TraceStatus status = TraceStatus::Complete;
  std::vector<bool> recorded;  // [layers] has attention data
  std::vector<RunEntry> runs;
  std::string notes;                  // JSON as stored; empty for none
  std::vector<std::string> warnings;  // sentences for the window's message bar

  [[nodiscard]] bool hasLayer(LayerIndex layer) const { return layer.value < recorded.size() && recorded[layer.value]; }
  [[nodiscard]] bool anyLayer() const;
  [[nodiscard]] bool hasMaps() const { return anyLayer() && !header.attention.cells.empty(); }
};

// Error when the file cannot be read; missing parts become warnings.
[[nodiscard]] DocumentIndex documentIndex(const trace::Reader& reader);

// Whether both describe the same capture, so that cached data remain valid.
[[nodiscard]] bool sameCapture(const DocumentIndex& a, const DocumentIndex& b);

}  // namespace kvatlas::views
