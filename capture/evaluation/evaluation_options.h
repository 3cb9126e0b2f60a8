// The options of an evaluation: plain values, so that the command line fills them without libtorch.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

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

// How a case scores each query head. Copy: the share of the needle's tokens that the head attends to most when they are
// generated (retrieval heads, Wu et al., arXiv:2404.15574). Attention: the mass that it gives to the needle among its
// best keys, as many as the needle has tokens (HeadKV, Fu et al., arXiv:2410.19258).
enum class HeadScore { Copy, Attention };

struct HeadScoreOptions {
  EvaluationOptions evaluation;  // a task with needles and no methods; output: the table, a JSON file
  HeadScore score = HeadScore::Attention;
  bool all = false;  // also cases that are not answered right
};

struct HeadScoreSummary {
  std::size_t cases = 0, cases_before = 0, counted = 0;  // of the plan; done by an earlier run; answered right
  std::uint32_t layers = 0, heads = 0;
  std::vector<double> table;  // [layers, heads] means over the counted cases
  double seconds = 0;         // of this run
};

// A case of a finished or stopped run to capture; the run's origin is the default for everything else.
struct ReplayOptions {
  std::filesystem::path results;
  std::string case_id;
  Sources sources;                  // the ones that have moved since the run
  capture::CaptureOptions capture;  // session.model empty: the run's; methods empty: all of the run's
};

}  // namespace kvatlas::evaluation
