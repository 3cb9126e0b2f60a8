// Runs one capture, from options to a finished trace file.
#pragma once

#include <string>
#include <vector>

#include "capture/session/options.h"
#include "core/base/progress.h"

namespace kvatlas::capture {

class Session;

// One row of the summary table of a capture.
struct RunSummary {
  std::string label, method, budget, text;
  std::string question;    // the user's words; empty: none
  double kept_tokens = 0;  // mean per head
  std::uint64_t cache_bytes = 0;
  double retained = -1, oracle = -1;  // mean over steps, layers, heads; −1: not measured
  double kl = -1;                     // mean over comparable steps, nats; −1: not measured
  double seconds = 0;
};

struct CaptureSummary {
  std::filesystem::path output;
  std::string question;               // the user's words; empty: none
  std::uint64_t tokens = 0;           // of the prompt, or of the context that was compressed
  std::uint64_t question_tokens = 0;  // behind a compressed context
  std::uint64_t file_bytes = 0;
  double prefill_seconds = 0, decode_seconds = 0, total_seconds = 0;
  double pass_seconds = 0;  // of a second pass over the prompt; 0: there was none
  std::vector<RunSummary> runs;
};

// Throws Error, UsageError, Cancelled; whatever was flushed stays in "<output>.part".
[[nodiscard]] CaptureSummary runCapture(const CaptureOptions& options, const WorkContext& work);

// The same for any number of questions: a trace for each, named by trace::questionOutput().
[[nodiscard]] std::vector<CaptureSummary> runCaptures(const CaptureOptions& options, const WorkContext& work);

// The same with an existing session: a trace for each of its questions, or one. Of options.session it uses only
// max_new_tokens, which must equal the session's, and the questions' words.
[[nodiscard]] std::vector<CaptureSummary> recordSession(Session& session, const CaptureOptions& options,
                                                        const WorkContext& work);

}  // namespace kvatlas::capture
