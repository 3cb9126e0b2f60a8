// The options of an evaluation: plain values, so that the command line fills them without libtorch.
#pragma once

#include <filesystem>
#include <string>

#include "capture/recorder/capture.h"
#include "capture/session/options.h"
#include "core/evaluation/task_request.h"
#include "core/results/settings.h"

namespace kvatlas::evaluation {

struct EvaluationOptions {
  capture::SessionOptions session;  // all but the prompt
  TaskRequest task;
  results::Shard shard;
  std::uint32_t batch = 1;  // cases that decode together
  std::filesystem::path output;
};

struct EvaluationSummary {
  std::size_t cases = 0, cases_before = 0;  // of this shard; finished by an earlier run
  std::size_t prefills = 0;                 // of this run: questions on one compressed context share one
  double seconds = 0, prefill_seconds = 0;  // of this run
};

// A case of a finished or stopped run to capture; the run's origin is the default for everything else.
struct ReplayOptions {
  std::filesystem::path results;
  std::string case_id;
  Sources sources;                  // the ones that have moved since the run
  capture::CaptureOptions capture;  // session.model empty: the run's; methods empty: all of the run's
};

}  // namespace kvatlas::evaluation
