// What a needle run is asked to do; plain values, so that a command line can fill them without libtorch.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "capture/recorder/capture.h"
#include "capture/session/options.h"
#include "core/evaluation/options.h"
#include "core/results/settings.h"

namespace kvatlas::evaluation {

struct NeedleOptions {
  capture::SessionOptions session;  // all but the prompt
  PromptPlan plan;
  std::vector<std::filesystem::path> haystack;
  Score score = Score::Exact;
  results::Shard shard;
  std::filesystem::path output;
};

// Beside settings.json: where the run found its model and its haystack, which does not decide the outcome.
inline constexpr const char* kOriginFile = "origin.json";

struct NeedleSummary {
  std::size_t cases = 0, cases_before = 0;  // of this shard; done by an earlier run
  double seconds = 0, prefill_seconds = 0;  // of what this run did
};

// A case of a finished or stopped run, to be captured: what is not given is taken from the run's origin.
struct ReplayOptions {
  std::filesystem::path results;
  std::string case_id;
  std::vector<std::filesystem::path> haystack;  // empty: where the run read it
  capture::CaptureOptions capture;              // session.model empty: the run's; methods empty: all of the run's
};

}  // namespace kvatlas::evaluation
