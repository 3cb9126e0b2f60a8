#include "capture/recorder/capture.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>

#include "capture/recorder/existing_output.h"
#include "capture/recorder/generate.h"
#include "capture/recorder/layer_encoder.h"
#include "capture/recorder/trace_header.h"
#include "capture/recorder/trace_queue.h"
#include "capture/session/session.h"
#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/trace/question_output.h"
#include "core/trace/schema.h"
#include "core/trace/space.h"
#include "core/trace/validate/validate_signals.h"

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

// Every trace of the capture: one, or one for each question.
void checkOutputs(const CaptureOptions& options) {
  const std::size_t count = options.session.prompt.questions.size();
  for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
    const auto output = trace::questionOutput(options.output, i, count);
    requireFreeName(options, output);
    checkOutput(output);
  }
}

// Reports the expected size of the traces before writing the first byte. Error when the disk is too small.
void checkSpace(const std::filesystem::path& output, std::uint64_t expected, std::size_t traces,
                const WorkContext& work) {
  const auto free = trace::freeBytesFor(output);
  trace::requireSpace(output, expected, free, "--layers, --heads, --map-size and --keep-qk of fewer layers");
  const std::string what = traces == 1 ? "the trace" : fmt::format("the {} traces", traces);
  work.progress->note(fmt::format("{} will take about {}{}", what, trace::sizeText(expected),
                                  free ? fmt::format(", {} are free", trace::sizeText(*free)) : ""));
}

std::vector<bool> layerFlags(const trace::AttentionPlan& plan, std::uint32_t layers) {
  std::vector<bool> flags(layers, false);
  for (const LayerIndex layer : plan.layers) flags[layer.value] = true;
  return flags;
}

StatisticsRequest recorderRequest(const trace::AttentionPlan& plan) {
  return {.wanted = alwaysMeasured(),
          .map_cell = plan.cells.empty() ? 0 : plan.cells.front(),
          .window = plan.window,
          .tensors = !plan.qk_layers.empty()};
}

// Finite weights can still give attention that is not: scores beyond the range or the precision of the numbers. Their
// trace would not be valid.
void requireAttention(const trace::TraceHeader& header, const trace::LayerRecord& record) {
  if (const auto finding = trace::signalProblem(header, record))
    fail("layer {}, {}: {}: damaged weights, or values beyond the compute type", record.layer.value, finding->member,
         finding->problem);
}

// The trace of one question, or of a prompt without any.
struct Recording {
  trace::TraceHeader header;
  CaptureSummary summary;
};
using Recordings = std::vector<Recording>;

// Sends each measured layer to the writer thread. All traces have the attention part of `header`.
void recordLayers(Session& session, const trace::TraceHeader& header, TraceQueue& queue, unsigned threads) {
  const trace::AttentionPlan& plan = header.attention;
  session.setLayerSink(
      [&session, &header, &queue, threads](const LayerAttention& attention, LayerStatistics& statistics) {
        auto record = std::make_shared<trace::LayerRecord>(
            encodeLayer(attention, statistics, session.config(), header.attention, threads));
        requireAttention(header, *record);
        queue.pushToAll([record](trace::Writer& writer) { writer.writeLayer(*record); });
      },
      recorderRequest(plan), layerFlags(plan, session.config().layers));
  session.setPassSink([&queue](LayerIndex layer, Signal signal, std::span<const float> values) {
    auto copy = std::make_shared<std::vector<float>>(values.begin(), values.end());
    queue.pushToAll([=](trace::Writer& writer) { writer.writeSignal(layer, signal, *copy); });
  });
}

// Sends what is measured while decoding to the writer thread, block by block: a long answer takes no more memory.
void recordSteps(Session& session, TraceQueue& queue) {
  session.watchAttended();
  session.setStepSink([&queue](std::size_t trace, std::size_t run, StepRows rows) {
    auto block = std::make_shared<trace::StepBlock>(makeStepBlock(std::move(rows)));
    queue.push(trace, [run, block](trace::Writer& writer) { writer.appendSteps(run, *block); });
  });
}

void recordRuns(const Session& session, const SessionResult& result, std::size_t trace, Recording& recording,
                TraceQueue& queue) {
  queue.push(trace, [logits = result.next_logits](trace::Writer& writer) { writer.writeNextLogits(logits); });
  if (session.config().experts > 0)
    queue.push(trace, [use = result.experts](trace::Writer& writer) { writer.writeExperts(use); });
  for (std::size_t run = 0; run < result.branches.size(); ++run) {
    auto record = std::make_shared<trace::RunRecord>(makeRunRecord(session, result, run));
    recording.summary.runs.push_back(summarise(result.branches[run], *record, result.tracks[run].mean));
    queue.push(trace, [run, record](trace::Writer& writer) { writer.writeRun(run, *record); });
  }
  recording.summary.prefill_seconds = result.prefill_seconds;
  recording.summary.decode_seconds = result.decode_seconds;
  recording.summary.pass_seconds = result.pass_seconds;
}

// One for each question; checks that the disk has room for all.
Recordings planRecordings(const Session& session, const trace::AttentionPlan& plan, const CaptureOptions& options,
                          const WorkContext& work) {
  const std::vector<text::PreparedQuestion>& questions = session.prompt().questions;
  Recordings recordings(std::max<std::size_t>(questions.size(), 1));
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    Recording& one = recordings[i];
    one.summary = {.output = trace::questionOutput(options.output, i, recordings.size()),
                   .tokens = session.prompt().ids.size()};
    const auto& words = options.session.prompt.questions;
    if (i < words.size()) one.summary.question = words[i];
    if (!questions.empty()) one.summary.question_tokens = questions[i].ids.size();
    one.header = makeTraceHeader(session, plan, questions.empty() ? nullptr : &questions[i]);
    expected += trace::expectedFileBytes(one.header, options.session.max_new_tokens);
  }
  checkSpace(options.output, expected, recordings.size(), work);
  return recordings;
}

}  // namespace

CaptureSummary runCapture(const CaptureOptions& options, const WorkContext& work) {
  return std::move(runCaptures(options, work).front());
}

std::vector<CaptureSummary> runCaptures(const CaptureOptions& options, const WorkContext& work) {
  const PromptOptions& prompt = options.session.prompt;
  const std::size_t count = prompt.questions.size();
  checkOutputs(options);
  if (count <= 1 || prompt.compress == Compress::Context) {
    Session session(options.session, work);
    return recordSession(session, options, work);
  }
  std::vector<CaptureSummary> summaries;
  const auto model = openModel(options.session);
  reportNotices(*model, work);
  const auto prompts = preparePrompts(prompt, options.session.model, model->config, model->tokenizer);
  for (std::size_t i = 0; i < count; ++i) {
    CaptureOptions one = options;
    one.output = trace::questionOutput(options.output, i, count);
    one.session.prompt.questions = {prompt.questions[i]};
    Session session(one.session, model, prompts[i], work);
    summaries.push_back(std::move(recordSession(session, one, work).front()));
  }
  return summaries;
}

std::vector<CaptureSummary> recordSession(Session& session, const CaptureOptions& options, const WorkContext& work) {
  const auto start = std::chrono::steady_clock::now();
  checkOutputs(options);
  const trace::AttentionPlan plan = makeAttentionPlan(session, options);
  session.loadWeights(work);
  Recordings recordings = planRecordings(session, plan, options, work);
  const auto existing = options.replace ? ClaimedFile::Existing::Replace : ClaimedFile::Existing::Keep;
  std::vector<TraceTarget> targets;
  const trace::TraceHeader header = recordings.front().header;  // for the layers, which all traces share
  for (Recording& one : recordings) targets.push_back({one.summary.output, std::move(one.header)});
  TraceQueue queue(std::move(targets), existing);
  recordSteps(session, queue);
  recordLayers(session, header, queue, options.session.threads);
  const std::vector<SessionResult> results = session.runAll(work);
  std::vector<CaptureSummary> summaries;
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    recordRuns(session, results[i], i, recordings[i], queue);
    queue.finish(i);
    recordings[i].summary.file_bytes = std::filesystem::file_size(recordings[i].summary.output);
    summaries.push_back(std::move(recordings[i].summary));
    summaries.back().total_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return summaries;
}

}  // namespace kvatlas::capture
