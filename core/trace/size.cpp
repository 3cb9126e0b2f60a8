// Estimates the size of a trace.
#include "core/trace/schema.h"
#include "core/trace/writer.h"

namespace kvatlas::trace {
namespace {

// Object header, link and chunk index of one dataset; measured below 1 KiB plus 8 to 16 bytes per chunk.
constexpr std::uint64_t kPerDataset = 1024, kPerFile = 16'384;

std::uint64_t bytesOf(const std::vector<schema::DatasetSpec>& specs) {
  std::uint64_t bytes = 0;
  for (const schema::DatasetSpec& spec : specs) {
    std::uint64_t index = 16;
    for (std::size_t axis = 0; axis < spec.dims.size(); ++axis)
      index *= ((axis == 0 ? schema::slabCount(spec, spec.dims[0]) : spec.dims[axis]) + spec.chunk[axis] - 1) /
               spec.chunk[axis];
    bytes += schema::storedBytes(spec) + index + kPerDataset;
  }
  return bytes;
}

}  // namespace

std::uint64_t expectedFileBytes(const TraceHeader& header, std::uint64_t max_new_tokens) {
  const Prompt& prompt = header.prompt;
  std::uint64_t bytes = kPerFile + (prompt.ids.size() + prompt.question.ids.size()) * 12 + prompt.text.size() +
                        prompt.question.text.size() + 8;
  for (const Span& span : prompt.spans) bytes += 16 + span.name.size() * prompt.spans.size();
  bytes += bytesOf({schema::nextLogits(header.model)});
  if (header.model.experts > 0) bytes += bytesOf(schema::expertDatasets(header.model)) + kPerDataset;
  const AttentionPlan& plan = header.attention;
  const std::uint64_t bare = bytesOf(schema::layerDatasets(header, false));
  const std::uint64_t with_qk = bytesOf(schema::layerDatasets(header, true));
  bytes += plan.layers.size() * (bare + kPerDataset) + plan.qk_layers.size() * (with_qk - bare);
  for (const RunHeader& run : header.runs) {
    bytes += bytesOf(schema::runDatasets(header, run, max_new_tokens)) + run.parameters.size() + run.label.size() +
             2 * kPerDataset;
  }
  return bytes;
}

}  // namespace kvatlas::trace
