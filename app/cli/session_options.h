// The options that capture, generate and evaluate share; knows no libtorch.
#pragma once

#include <CLI/CLI.hpp>

#include "capture/session/options.h"

namespace kvatlas::app {

// Values as typed, until they are resolved.
struct SessionArguments {
  capture::SessionOptions options;
  std::vector<std::string> methods, budgets, spans;
  std::string granularity, preset, follow = "own", text, prompt, ids;
  bool text_given = false;
};

// Model, methods, budgets, device: what every command that runs a model takes.
void addModelOptions(CLI::App& command, SessionArguments& arguments);
// --chat, --chat-date, --system: of a prompt, and of the prompts of a needle run.
void addChatOptions(CLI::App& command, SessionArguments& arguments);
// UsageError for one that needs another.
void checkChatOptions(const capture::PromptOptions& prompt);
// Prompt (with its chat template), spans, and whose tokens are fed.
void addPromptOptions(CLI::App& command, SessionArguments& arguments);
// Both fill arguments.options; UsageError names the option and the nearest known words.
void resolveModelOptions(SessionArguments& arguments);
void resolvePromptOptions(SessionArguments& arguments);

}  // namespace kvatlas::app
