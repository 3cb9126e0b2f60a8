// The interface of libkvatlas_capture.so for the command line. Plain values only; must not know libtorch.
#pragma once

#include "capture/bench/gpu_bench.h"
#include "capture/evaluation/evaluation_options.h"
#include "capture/recorder/generate.h"
#include "capture/session/model_report.h"
#include "core/base/outcome.h"
#include "core/text/prepared_prompt.h"

namespace kvatlas::app {

struct CaptureCall {
  const capture::CaptureOptions* options = nullptr;
  const WorkContext* work = nullptr;
  std::vector<capture::CaptureSummary>* summaries = nullptr;
};
struct GenerateCall {
  const capture::SessionOptions* options = nullptr;
  const WorkContext* work = nullptr;
  capture::GenerateSummary* summary = nullptr;
};
struct GenerateAllCall {
  const capture::SessionOptions* options = nullptr;
  std::span<const capture::PromptRow> rows;
  std::size_t batch = 1;
  const std::function<void(const capture::PromptAnswers&)>* each = nullptr;
  const WorkContext* work = nullptr;
};
struct EvaluationCall {
  const evaluation::EvaluationOptions* options = nullptr;
  const WorkContext* work = nullptr;
  evaluation::EvaluationSummary* summary = nullptr;
};
struct HeadScoreCall {
  const evaluation::HeadScoreOptions* options = nullptr;
  const WorkContext* work = nullptr;
  evaluation::HeadScoreSummary* summary = nullptr;
};
struct ReplayCall {
  const evaluation::ReplayOptions* options = nullptr;
  const WorkContext* work = nullptr;
  capture::CaptureSummary* summary = nullptr;
};
struct CasePromptCall {
  const evaluation::ReplayOptions* options = nullptr;
  const WorkContext* work = nullptr;
  text::PreparedPrompt* prompt = nullptr;
};

struct ModelReportCall {
  const capture::ModelReportOptions* options = nullptr;
  const WorkContext* work = nullptr;
  capture::ModelReport* report = nullptr;
};
struct GpuBenchCall {
  const capture::GpuBenchOptions* options = nullptr;
  const WorkContext* work = nullptr;
  const std::function<void(const capture::GpuBenchReport&, const capture::GpuBenchRow&)>* row = nullptr;
};

inline constexpr const char* kCaptureLibrary = "kvatlas_capture";
using CaptureEntry = void (*)(const CaptureCall*, Outcome*);          // "kvatlasCapture"
using GenerateEntry = void (*)(const GenerateCall*, Outcome*);        // "kvatlasGenerate"
using GenerateAllEntry = void (*)(const GenerateAllCall*, Outcome*);  // "kvatlasGenerateAll"
using EvaluationEntry = void (*)(const EvaluationCall*, Outcome*);    // "kvatlasEvaluate"
using HeadScoreEntry = void (*)(const HeadScoreCall*, Outcome*);      // "kvatlasHeads"
using GpuBenchEntry = void (*)(const GpuBenchCall*, Outcome*);        // "kvatlasBenchGpu"
using ModelReportEntry = void (*)(const ModelReportCall*, Outcome*);  // "kvatlasModelReport"
using ReplayEntry = void (*)(const ReplayCall*, Outcome*);            // "kvatlasReplay"
using CasePromptEntry = void (*)(const CasePromptCall*, Outcome*);    // "kvatlasCasePrompt"

}  // namespace kvatlas::app
