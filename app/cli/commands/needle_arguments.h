// The options of `kvatlas evaluate needle`, as typed and as they are meant; knows no libtorch.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "app/cli/session_options.h"
#include "capture/evaluation/evaluation_options.h"

namespace kvatlas::app {

struct NeedleArguments {
  SessionArguments session;
  std::vector<std::string> haystack, kinds;
  std::string lengths = "256:2048:8", depths, score, asking = "completion", split = "held-out", shard = "1/1";
  std::string needle, question, answer, prompt_template;
  std::uint32_t needles = 0, trials = 1;
  bool repeat = false;
  std::function<bool()> new_tokens_given;
  std::filesystem::path output;
  bool json = false, quiet = false;
};

void addNeedleOptions(CLI::App& command, NeedleArguments& arguments);
// UsageError names the option and what it expects.
[[nodiscard]] evaluation::EvaluationOptions resolveNeedleOptions(NeedleArguments& arguments);

}  // namespace kvatlas::app
