// The options that all `kvatlas evaluate` runs share, as typed and resolved; must not know libtorch.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "app/cli/session_options.h"
#include "capture/evaluation/evaluation_options.h"
#include "core/evaluation/text_prompt.h"

namespace kvatlas::app {

struct EvaluationArguments {
  SessionArguments session;
  std::string shard = "1/1";
  std::uint32_t batch = 1;
  std::function<bool()> new_tokens_given;
  std::filesystem::path output;
  bool json = false, quiet = false;
};

// Model, methods, budgets, --shard, --batch, -o, --json and -q. Call before the command's own options.
void addEvaluationOptions(CLI::App& command, EvaluationArguments& arguments, std::uint32_t new_tokens);

// Everything but the task. `budgets`: where none are given.
[[nodiscard]] evaluation::EvaluationOptions resolveEvaluation(EvaluationArguments& arguments,
                                                              const std::vector<std::string>& budgets);

// The texts that --chat sets around a prompt; place None without --chat.
[[nodiscard]] evaluation::TextFrame chatFrame(const capture::SessionOptions& options);

}  // namespace kvatlas::app
