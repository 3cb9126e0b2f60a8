#include "app/cli/commands/evaluation_arguments.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/error.h"
#include "core/text/chat_template.h"

namespace kvatlas::app {
namespace {

constexpr std::array kDefaultMethods{"streamingllm", "h2o", "snapkv", "pyramidkv", "adakv"};

results::Shard parseShard(const std::string& text) {
  results::Shard shard;
  const char* const end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  const bool slash = index.ec == std::errc{} && index.ptr != end && *index.ptr == '/';
  const auto count = slash ? std::from_chars(index.ptr + 1, end, shard.count) : index;
  if (!slash || count.ec != std::errc{} || count.ptr != end || shard.index < 1 || shard.index > shard.count)
    failUsage("--shard {}: expected I/N with I from 1 to N", text);
  return shard;
}

std::vector<std::string> defaultMethods() {
  std::vector<std::string> known;
  for (const char* name : kDefaultMethods)
    if (std::ranges::any_of(policy::methods(), [&](const auto& method) { return method.name == name; }))
      known.emplace_back(name);
  return known;
}

}  // namespace

void addEvaluationOptions(CLI::App& command, EvaluationArguments& arguments, std::uint32_t new_tokens) {
  arguments.session.options.max_new_tokens = new_tokens;
  addModelOptions(command, arguments.session);
  command.get_option("--model")->required();
  addCompressOption(command, arguments.session);
  command.add_option("--shard", arguments.shard, "I/N: every N-th prompt from the I-th on; join with evaluate merge");
  addBatchOption(command, arguments.batch);
  command.add_option("-o,--output", arguments.output, "folder of results; resumes a stopped run there")->required();
  command.add_flag("--json", arguments.json, "print the scores as JSON");
  command.add_flag("-q,--quiet", arguments.quiet, "no progress, no table");
  CLI::Option* option = command.get_option("--max-new-tokens");
  arguments.new_tokens_given = [option] { return option->count() > 0; };
}

evaluation::EvaluationOptions resolveEvaluation(EvaluationArguments& arguments,
                                                const std::vector<std::string>& budgets) {
  SessionArguments& session = arguments.session;
  if (session.methods.empty()) session.methods = defaultMethods();
  if (session.budgets.empty()) session.budgets = budgets;
  resolveModelOptions(session);
  session.options.prompt.compress = parseCompress(session.compress);
  if (session.options.max_new_tokens == 0) failUsage("--max-new-tokens 0: an answer has at least one token");
  return {.session = session.options,
          .task = {},
          .shard = parseShard(arguments.shard),
          .batch = arguments.batch,
          .output = arguments.output};
}

evaluation::TextFrame chatFrame(const capture::SessionOptions& options) {
  const capture::PromptOptions& prompt = options.prompt;
  checkChatOptions(prompt);
  if (prompt.chat.empty()) return {};
  constexpr std::string_view kPlace = "{prompt}";
  const std::string text = text::wrapInChat({.name = prompt.chat, .date = prompt.chat_date, .system = prompt.system},
                                            options.model, std::string(kPlace));
  const auto at = text.find(kPlace);
  if (at == std::string::npos) fail("{}: its chat template does not print the user's message", options.model.string());
  return {.place = evaluation::TextFrame::Place::AfterCutting,
          .before = text.substr(0, at),
          .after = text.substr(at + kPlace.size()),
          .adds_special = false};
}

}  // namespace kvatlas::app
