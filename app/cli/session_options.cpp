#include "app/cli/session_options.h"

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/suggest.h"
#include "core/policy/parameters.h"
#include "core/runs/names.h"

namespace kvatlas::app {
namespace {

template <class Value, std::size_t kCount>
Value choose(const std::string& option, const std::string& word, const std::array<runs::Name<Value>, kCount>& known) {
  std::vector<std::string> names;
  for (const auto& [name, value] : known) {
    if (word == name) return value;
    names.emplace_back(name);
  }
  failUsage("{} {}: unknown value{}", option, word, suggestion(word, names));
}

// "@FILE": what the file holds, less the line breaks at its end. With --ids, questions are files of ids.
std::string questionText(const std::string& given, const capture::PromptOptions& prompt) {
  if (!prompt.ids_file.empty()) {
    if (!given.starts_with('@')) failUsage("--question {}: with --ids expected @FILE, a file of token ids", given);
    return given.substr(1);
  }
  std::string text = given.starts_with('@') ? readFile(given.substr(1)) : given;
  if (given.starts_with('@')) text.resize(text.find_last_not_of("\r\n") + 1);
  if (text.empty()) failUsage("--question {}: is empty", given);
  return text;
}

void resolvePrompt(SessionArguments& arguments) {
  capture::PromptOptions& prompt = arguments.options.prompt;
  const int given = int{!arguments.prompt.empty()} + int{arguments.text_given} + int{!arguments.ids.empty()};
  if (given != 1)
    failUsage("expected exactly one of --prompt FILE, --text STRING and --ids FILE, {} were given", given);
  prompt.file = arguments.prompt;
  prompt.ids_file = arguments.ids;
  if (arguments.text_given) prompt.text = arguments.text;
  for (const std::string& question : arguments.questions) prompt.questions.push_back(questionText(question, prompt));
  if (prompt.compress == runs::Compress::Context && prompt.questions.empty())
    failUsage("--compress context needs --question: what follows the compressed context");
  for (const std::string& span : arguments.spans) {
    const auto equals = span.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == span.size())
      failUsage("--span {}: expected NAME=TEXT", span);
    prompt.spans.push_back({span.substr(0, equals), span.substr(equals + 1)});
  }
}

// Lists every method and its parameters below the options.
std::string methodsHelp() {
  std::string help = "Methods:\n";
  for (const policy::Method& method : policy::methods()) {
    help += fmt::format("  {:<14} {}{}\n", method.name, method.title,
                        method.paper.empty() ? "" : fmt::format(", {}", method.paper));
    for (const policy::ParameterSpec& parameter : method.parameters)
      help += fmt::format("    {}={}  {} ({})\n", parameter.name, parameter.default_value, parameter.meaning,
                          parameter.values);
  }
  help += "  every method but full:\n";
  for (const policy::ParameterSpec& parameter : policy::commonParameters())
    help += fmt::format("    {}={}  {} ({})\n", parameter.name, parameter.default_value, parameter.meaning,
                        parameter.values);
  return help;
}

}  // namespace

void checkChatOptions(const capture::PromptOptions& prompt) {
  if (!prompt.system.empty() && prompt.chat.empty())
    failUsage("--system needs --chat: without a chat template there is no system message");
  if (!prompt.chat_date.empty() && prompt.chat != "auto")
    failUsage("--chat-date needs --chat auto: only the model's own template prints a date");
}

void addChatOptions(CLI::App& command, SessionArguments& arguments) {
  capture::SessionOptions& options = arguments.options;
  command.add_option("--chat", options.prompt.chat,
                     "wrap the prompt in a chat template: auto (the model's own), llama2, llama3, mistral");
  command.add_option("--chat-date", options.prompt.chat_date,
                     "date for the model's chat template, with --chat auto: 2026-03-31 (default: today)");
  command.add_option("--system", options.prompt.system, "system message, with --chat");
}

void addCompressOption(CLI::App& command, SessionArguments& arguments) {
  command
      .add_option("--compress", arguments.compress,
                  "with a question: prompt (methods know it) or context (they decide before they meet it)")
      ->capture_default_str();
}

void addBatchOption(CLI::App& command, std::uint32_t& batch) {
  command.add_option("--batch", batch, "prompts that decode together, so that a step reads the weights once for all")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
}

runs::Compress parseCompress(const std::string& word) {
  return choose("--compress", word, runs::kCompresses);
}

void addPromptOptions(CLI::App& command, SessionArguments& arguments) {
  command.add_option("--prompt", arguments.prompt, "text file with the prompt");
  command.add_option_function<std::string>(
      "--text",
      [&arguments](const std::string& text) {
        arguments.text = text;
        arguments.text_given = true;
      },
      "the prompt itself");
  command.add_option("--ids", arguments.ids, "file of token ids (needs no tokenizer)");
  addChatOptions(command, arguments);
  command.add_option("--span", arguments.spans, "NAME=TEXT: marks where TEXT occurs in the prompt (repeatable)")
      ->allow_extra_args(false);
  command
      .add_option("--question", arguments.questions,
                  "TEXT or @FILE: asked behind the prompt; several: each by itself, one trace for each (repeatable)")
      ->allow_extra_args(false);
  addCompressOption(command, arguments);
  command
      .add_option("--follow", arguments.follow,
                  "own: feed each branch its own tokens; full: feed all the full cache's tokens")
      ->capture_default_str();
}

void addModelOptions(CLI::App& command, SessionArguments& arguments) {
  capture::SessionOptions& options = arguments.options;
  command.footer(methodsHelp);
  command.add_option("--model", options.model, "checkpoint folder (Hugging Face layout) or GGUF file");
  command.add_option("--method", arguments.methods, "NAME[:key=value,…], repeatable; full always runs")
      ->allow_extra_args(false);
  command
      .add_option("--budget", arguments.budgets,
                  "tokens per head, or a percentage of the prompt: 128, 20% (repeatable)")
      ->allow_extra_args(false);
  command
      .add_option("--window", arguments.window,
                  "observation window: the last tokens, always kept (default: 8, 64 with --preset kvpress)")
      ->check(CLI::Range(1, 4096));
  command.add_option("--granularity", arguments.granularity,
                     "kv-head or query-head (default: kv-head, query-head with --preset paper)");
  command.add_option("--preset", arguments.preset, "paper: the published arithmetic; kvpress: kvpress's");
  command.add_option("--max-new-tokens", options.max_new_tokens, "tokens to generate")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
  command
      .add_option("--device", options.device, "auto, cpu, cuda, cuda:<i>[,cuda:<j>…]: several devices share the layers")
      ->capture_default_str();
  command.add_option("--dtype", options.dtype, "auto, f32, bf16, f16")->capture_default_str();
  command.add_option("--seed", options.seed, "seed of random choices")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command.add_option("--threads", options.threads, "processor threads, 0: all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
}

void resolveModelOptions(SessionArguments& arguments) {
  capture::SessionOptions& options = arguments.options;
  for (const std::string& method : arguments.methods) options.methods.push_back(policy::parseMethod(method));
  for (const std::string& budget : arguments.budgets) options.budgets.push_back(policy::parseBudget(budget));
  if (!arguments.preset.empty()) options.preset = choose("--preset", arguments.preset, runs::kPresets);
  options.window = arguments.window.value_or(options.preset == policy::Preset::Kvpress ? 64 : options.window);
  if (arguments.granularity.empty())
    arguments.granularity = runs::granularityName(
        options.preset == policy::Preset::Paper ? policy::Granularity::QueryHead : policy::Granularity::KvHead);
  options.granularity = choose("--granularity", arguments.granularity, runs::kGranularities);
}

void resolveModelAndBudget(SessionArguments& arguments) {
  constexpr const char* kDefaultBudget = "20%";
  if (arguments.options.model.empty()) failUsage("--model is required");
  if (arguments.budgets.empty()) arguments.budgets.emplace_back(kDefaultBudget);
  resolveModelOptions(arguments);
}

void resolvePromptOptions(SessionArguments& arguments) {
  resolvePromptShape(arguments);
  resolvePrompt(arguments);
}

void resolvePromptShape(SessionArguments& arguments) {
  checkChatOptions(arguments.options.prompt);
  arguments.options.prompt.compress = parseCompress(arguments.compress);
  arguments.options.follow = choose("--follow", arguments.follow, runs::kFollows);
}

}  // namespace kvatlas::app
