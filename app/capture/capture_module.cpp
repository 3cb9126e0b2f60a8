#include "app/capture/capture_module.h"

#include "capture/evaluation/evaluation_run.h"
#include "capture/evaluation/head_scores.h"
#include "capture/evaluation/replay.h"
#include "core/base/mapped_file.h"
#include "core/base/output_file.h"
#include "core/trace/vetting.h"
#include "kvatlas_border_capture.h"

#define KVATLAS_EXPORT extern "C" __attribute__((visibility("default")))

using kvatlas::guarded;
using kvatlas::Outcome;
using kvatlas::app::CaptureCall;
using kvatlas::app::CasePromptCall;
using kvatlas::app::EvaluationCall;
using kvatlas::app::GenerateAllCall;
using kvatlas::app::GenerateCall;
using kvatlas::app::GpuBenchCall;
using kvatlas::app::HeadScoreCall;
using kvatlas::app::ModelReportCall;
using kvatlas::app::ReplayCall;

// Declared for -Wmissing-declarations; called through dlsym.
KVATLAS_EXPORT const char* kvatlasIdentity();
KVATLAS_EXPORT const char* kvatlasAbandonOutputs();
KVATLAS_EXPORT void kvatlasCapture(const CaptureCall* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasGenerate(const GenerateCall* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasGenerateAll(const GenerateAllCall* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasEvaluate(const EvaluationCall* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasBenchGpu(const GpuBenchCall* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasHeads(const HeadScoreCall* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasModelReport(const ModelReportCall* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasReplay(const ReplayCall* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasCasePrompt(const CasePromptCall* call, Outcome* outcome);

namespace {

// This library has its own copy of the code it shares with the programme.
void prepareModule() {
  kvatlas::trace::vetAsTheHost();
  kvatlas::explainLostMappings("kvatlas");
}

}  // namespace

const char* kvatlasAbandonOutputs() {
  return kvatlas::abandonOutputs();
}

const char* kvatlasIdentity() {
  return KVATLAS_BORDER_CAPTURE;
}

void kvatlasCapture(const CaptureCall* call, Outcome* outcome) {
  prepareModule();
  *outcome = guarded([&] { *call->summaries = kvatlas::capture::runCaptures(*call->options, *call->work); });
}

void kvatlasGenerate(const GenerateCall* call, Outcome* outcome) {
  prepareModule();
  *outcome = guarded([&] { *call->summary = kvatlas::capture::runGenerate(*call->options, *call->work); });
}

void kvatlasGenerateAll(const GenerateAllCall* call, Outcome* outcome) {
  prepareModule();
  *outcome = guarded(
      [&] { kvatlas::capture::generateAll(*call->options, call->rows, call->batch, *call->each, *call->work); });
}

void kvatlasEvaluate(const EvaluationCall* call, Outcome* outcome) {
  prepareModule();
  *outcome = guarded([&] { *call->summary = kvatlas::evaluation::runEvaluation(*call->options, *call->work); });
}

void kvatlasHeads(const HeadScoreCall* call, Outcome* outcome) {
  prepareModule();
  *outcome = guarded([&] { *call->summary = kvatlas::evaluation::runHeadScores(*call->options, *call->work); });
}

void kvatlasModelReport(const ModelReportCall* call, Outcome* outcome) {
  prepareModule();
  *outcome = guarded([&] { *call->report = kvatlas::capture::reportModel(*call->options, *call->work); });
}

void kvatlasReplay(const ReplayCall* call, Outcome* outcome) {
  prepareModule();
  *outcome = guarded([&] { *call->summary = kvatlas::evaluation::captureCase(*call->options, *call->work); });
}

void kvatlasCasePrompt(const CasePromptCall* call, Outcome* outcome) {
  prepareModule();
  *outcome = guarded([&] { *call->prompt = kvatlas::evaluation::promptOfCase(*call->options); });
}

void kvatlasBenchGpu(const GpuBenchCall* call, Outcome* outcome) {
  *outcome = guarded([&] { kvatlas::capture::benchGpu(*call->options, *call->work, *call->row); });
}
