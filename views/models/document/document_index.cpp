#include "views/models/document/document_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "views/models/figures/run_choice.h"

namespace kvatlas::views {
namespace {

bool twins(const trace::RunHeader& a, const trace::RunHeader& b) {
  return a.method == b.method && a.budget == b.budget;
}

std::vector<RunEntry> runEntries(const trace::Reader& reader) {
  const std::vector<trace::RunHeader>& headers = reader.header().runs;
  std::vector<RunEntry> entries;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const bool twin = std::count_if(headers.begin(), headers.end(),
                                    [&](const trace::RunHeader& other) { return twins(other, headers[i]); }) > 1;
    entries.push_back({i, runTitle(headers[i], i, twin), headers[i], reader.hasRun(i)});
  }
  return entries;
}

std::vector<bool> recordedLayers(const trace::Reader& reader) {
  std::vector<bool> recorded(reader.header().model.layers, false);
  for (const LayerIndex layer : reader.header().attention.layers) recorded[layer.value] = reader.hasLayer(layer);
  return recorded;
}

// Other programmes may write notes, so invalid notes are only a warning.
void readNotes(const trace::Reader& reader, DocumentIndex& index) {
  try {
    index.notes = reader.notes();
  } catch (const Error& error) {
    index.warnings.push_back(fmt::format("cannot read bookmarks: {}", error.what()));
  }
}

void describe(DocumentIndex& index, bool complete) {
  const trace::AttentionPlan& plan = index.header.attention;
  const auto layers = static_cast<std::size_t>(std::count(index.recorded.begin(), index.recorded.end(), true));
  const auto finished = static_cast<std::size_t>(
      std::count_if(index.runs.begin(), index.runs.end(), [](const RunEntry& run) { return run.finished; }));
  if (!complete) index.warnings.emplace_back("The capture is in progress or was interrupted.");
  if (layers < plan.layers.size())
    index.warnings.push_back(
        fmt::format("{} of {} planned layers are recorded; the others show no attention.", layers, plan.layers.size()));
  if (finished < index.runs.size())
    index.warnings.push_back(fmt::format("{} of {} runs are finished.", finished, index.runs.size()));
  const bool gaps = layers < plan.layers.size() || finished < index.runs.size();
  index.status = !complete ? TraceStatus::Unfinished : gaps ? TraceStatus::Partial : TraceStatus::Complete;
  if (plan.layers.empty()) {
    index.warnings.emplace_back("The trace has no attention data (captured without layers).");
  } else if (plan.cells.empty()) {
    index.warnings.emplace_back("The trace has no attention maps (captured with --map-size 0).");
  }
  if (index.runs.size() < 2) index.warnings.emplace_back("The trace has no run of an eviction method.");
  if (index.header.prompt.text.empty())
    index.warnings.emplace_back("The prompt was given as token ids and has no text.");
}

}  // namespace

bool DocumentIndex::anyLayer() const {
  return std::find(recorded.begin(), recorded.end(), true) != recorded.end();
}

DocumentIndex documentIndex(const trace::Reader& reader) {
  DocumentIndex index;
  index.header = reader.header();
  index.facts = traceFacts(reader);
  index.recorded = recordedLayers(reader);
  index.runs = runEntries(reader);
  readNotes(reader, index);
  describe(index, reader.complete());
  return index;
}

bool sameCapture(const DocumentIndex& a, const DocumentIndex& b) {
  return a.header.created == b.header.created && a.header.generator == b.header.generator &&
         a.header.model.weights_fingerprint == b.header.model.weights_fingerprint &&
         a.header.prompt.ids == b.header.prompt.ids && a.recorded.size() == b.recorded.size() &&
         a.header.attention.layers == b.header.attention.layers &&
         a.header.attention.cells == b.header.attention.cells && a.runs.size() == b.runs.size();
}

}  // namespace kvatlas::views
