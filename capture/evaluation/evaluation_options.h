// What an evaluation is asked to do; plain values, so that a command line can fill them without libtorch.
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
  std::filesystem::path output;
};

struct EvaluationSummary {
  std::size_t cases = 0, cases_before = 0;  // of this shard; done by an earlier run
  double seconds = 0, prefill_seconds = 0;  // of what this run did
};

// A case of a finished or stopped run, to be captured: what is not given is taken from the run's origin.
struct ReplayOptions {
  std::filesystem::path results;
  std::string case_id;
  Sources sources;                  // those that are not where the run read them
  capture::CaptureOptions capture;  // session.model empty: the run's; methods empty: all of the run's
};

}  // namespace kvatlas::evaluation
