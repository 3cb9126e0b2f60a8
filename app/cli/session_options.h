// The options that capture, generate and evaluate share; must not know libtorch.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "capture/session/options.h"

namespace kvatlas::app {

// Values as typed, before resolving.
struct SessionArguments {
  capture::SessionOptions options;
  std::vector<std::string> methods, budgets, spans, questions;
  std::optional<std::uint32_t> window;
  std::string granularity, preset, follow = "own", compress = "prompt", text, prompt, ids;
  bool text_given = false;
};

// Adds the options of every command that runs a model: model, methods, budgets, device.
void addModelOptions(CLI::App& command, SessionArguments& arguments);
// Adds --compress: what is compressed where there is a question.
void addCompressOption(CLI::App& command, SessionArguments& arguments);
// Adds --batch: how many prompts decode together.
void addBatchOption(CLI::App& command, std::uint32_t& batch);
[[nodiscard]] runs::Compress parseCompress(const std::string& word);  // UsageError with the nearest words
// Adds --chat, --chat-date and --system, for a prompt or for the prompts of a needle run.
void addChatOptions(CLI::App& command, SessionArguments& arguments);
// UsageError for an option without the one it needs.
void checkChatOptions(const capture::PromptOptions& prompt);
// Adds the prompt (with its chat options), spans and --follow.
void addPromptOptions(CLI::App& command, SessionArguments& arguments);
// Both fill arguments.options. UsageError names the option and the nearest known words.
void resolveModelOptions(SessionArguments& arguments);
void resolvePromptOptions(SessionArguments& arguments);
// resolveModelOptions() of a command that needs a model and takes 20 % where no budget is given.
void resolveModelAndBudget(SessionArguments& arguments);
// The part of the latter that does not say what the prompt is: chat, --compress, --follow.
void resolvePromptShape(SessionArguments& arguments);

}  // namespace kvatlas::app
