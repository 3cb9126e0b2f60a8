#include "capture/recorder/capture.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <numeric>

#include "capture/recorder/existing_output.h"
#include "capture/recorder/layer_encoder.h"
#include "capture/recorder/trace_header.h"
#include "capture/recorder/trace_queue.h"
#include "capture/session/session.h"
#include "core/base/error.h"
#include "core/base/mean.h"
#include "core/base/output_file.h"
#include "core/trace/schema.h"
#include "core/trace/space.h"

namespace kvatlas::capture {
namespace {

// Fails before minutes of work, not after.
void checkOutput(const std::filesystem::path& output) {
  if (output.empty()) failUsage("no output: give -o FILE");
  std::error_code code;
  const auto folder = output.has_parent_path() ? output.parent_path() : std::filesystem::path(".");
  if (std::filesystem::is_directory(output, code)) fail("{}: is a folder, a file name was expected", output.string());
  requireReplaceable(output);
  if (!std::filesystem::is_directory(folder, code)) fail("{}: its folder does not exist", output.string());
  if (::access(folder.c_str(), W_OK | X_OK) != 0) throw Error(systemMessage(folder.string(), errno));
}

// Reports the trace's expected size before writing the first byte. Error when the disk is too small.
void checkSpace(const std::filesystem::path& output, std::uint64_t expected, const WorkContext& work) {
  const auto free = trace::freeBytesFor(output);
  trace::requireSpace(output, expected, free, "--layers, --heads, --map-size and --keep-qk of fewer layers");
  work.progress->note(fmt::format("the trace will take about {}{}", trace::sizeText(expected),
                                  free ? fmt::format(", {} are free", trace::sizeText(*free)) : ""));
}

// Mean of the measured values; −1 without any.
double meanOf(const std::vector<float>& values) {
  const double mean = meanOfMeasured(values);
  return std::isnan(mean) ? -1 : mean;
}

RunSummary summarise(const Branch& branch, const trace::RunRecord& record) {
  return {.label = branch.label,
          .method = std::string(branch.request.method->name),
          .budget = branch.budget.text,
          .text = record.decode_text,
          .kept_tokens = record.budget_realised,
          .cache_bytes = record.cache_bytes,
          .retained = meanOf(record.retained),
          .oracle = meanOf(record.oracle),
          .kl = meanOf(record.kl),
          .seconds = record.seconds};
}

std::vector<bool> layerFlags(const trace::AttentionPlan& plan, std::uint32_t layers) {
  std::vector<bool> flags(layers, false);
  for (const LayerIndex layer : plan.layers) flags[layer.value] = true;
  return flags;
}

StatisticsRequest recorderRequest(const trace::AttentionPlan& plan) {
  return {.wanted = SignalSet::all(),
          .map_cell = plan.cells.empty() ? 0 : plan.cells.front(),
          .window = plan.window,
          .tensors = !plan.qk_layers.empty()};
}

// Finite weights can still give attention that is not: scores beyond the range of the numbers. Such a trace would not
// be valid. Error naming layer and head.
void requireAttention(const trace::LayerRecord& record, const trace::AttentionPlan& plan, std::uint32_t heads) {
  const std::vector<float>& received = record.values[Signal::Received];
  if (received.empty() || heads == 0) return;
  const std::size_t tokens = received.size() / heads;
  for (std::uint32_t head = 0; head < heads; ++head) {
    if (!trace::schema::recordsHead(plan, HeadIndex(head))) continue;
    const auto first = received.begin() + static_cast<std::ptrdiff_t>(head * tokens);
    const double sum = std::accumulate(first, first + static_cast<std::ptrdiff_t>(tokens), 0.0);
    if (std::abs(sum - double(tokens)) <= 0.02 * double(tokens)) continue;
    fail(
        "layer {}, query head {}: the attention of {} queries sums to {}: damaged weights, or values beyond the "
        "compute "
        "type",
        record.layer.value, head, tokens, sum);
  }
}

// Sends each measured layer to the writer thread.
void recordLayers(Session& session, const trace::AttentionPlan& plan, TraceQueue& queue, unsigned threads) {
  session.setLayerSink(
      [&session, &queue, plan, threads](const LayerAttention& attention, LayerStatistics& statistics) {
        auto record =
            std::make_shared<trace::LayerRecord>(encodeLayer(attention, statistics, session.config(), plan, threads));
        requireAttention(*record, plan, session.config().query_heads);
        queue.push([record](trace::Writer& writer) { writer.writeLayer(*record); });
      },
      recorderRequest(plan), layerFlags(plan, session.config().layers));
}

std::vector<RunSummary> recordRuns(const Session& session, const SessionResult& result, TraceQueue& queue) {
  std::vector<RunSummary> summaries;
  queue.push([logits = result.next_logits](trace::Writer& writer) { writer.writeNextLogits(logits); });
  if (session.config().experts > 0)
    queue.push([use = result.experts](trace::Writer& writer) { writer.writeExperts(use); });
  for (std::size_t run = 0; run < result.branches.size(); ++run) {
    auto record = std::make_shared<trace::RunRecord>(makeRunRecord(session, result, run));
    summaries.push_back(summarise(result.branches[run], *record));
    queue.push([run, record](trace::Writer& writer) { writer.writeRun(run, *record); });
  }
  return summaries;
}

}  // namespace

CaptureSummary runCapture(const CaptureOptions& options, const WorkContext& work) {
  requireFreeName(options);
  checkOutput(options.output);
  Session session(options.session, work);
  return recordSession(session, options, work);
}

CaptureSummary recordSession(Session& session, const CaptureOptions& options, const WorkContext& work) {
  const auto start = std::chrono::steady_clock::now();
  requireFreeName(options);
  checkOutput(options.output);
  const trace::AttentionPlan plan = makeAttentionPlan(session, options);
  session.loadWeights(work);
  const trace::TraceHeader header = makeTraceHeader(session, plan);
  checkSpace(options.output, trace::expectedFileBytes(header, options.session.max_new_tokens), work);

  TraceQueue queue(options.output, header,
                   options.replace ? ClaimedFile::Existing::Replace : ClaimedFile::Existing::Keep);
  session.watchAttended();
  recordLayers(session, plan, queue, options.session.threads);
  const SessionResult result = session.run(work);
  std::vector<RunSummary> summaries = recordRuns(session, result, queue);
  queue.finish();

  CaptureSummary summary{.output = options.output,
                         .tokens = session.prompt().ids.size(),
                         .file_bytes = std::filesystem::file_size(options.output),
                         .prefill_seconds = result.prefill_seconds,
                         .decode_seconds = result.decode_seconds,
                         .runs = std::move(summaries)};
  summary.total_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

GenerateSummary runGenerate(const SessionOptions& options, const WorkContext& work) {
  Session session(options, work);
  if (!session.tokenizer() && options.prompt.ids_file.empty()) fail("{}: has no tokenizer", options.model.string());
  session.loadWeights(work);
  const SessionResult result = session.run(work);
  GenerateSummary summary{.tokens = session.prompt().ids.size()};
  for (std::size_t run = 0; run < result.branches.size(); ++run)
    summary.runs.push_back(summarise(result.branches[run], makeRunRecord(session, result, run)));
  return summary;
}

}  // namespace kvatlas::capture
