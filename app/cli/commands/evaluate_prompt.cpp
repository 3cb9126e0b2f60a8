#include "app/cli/commands/evaluate_prompt.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/capture_call.h"
#include "core/evaluation/needle_task.h"

namespace kvatlas::app {
namespace {

using nlohmann::ordered_json;

struct PromptArguments {
  std::filesystem::path results, model;
  std::string case_id;
  std::vector<std::filesystem::path> haystack, data;
  bool json = false;
};

// Spans in bytes of the text.
ordered_json promptJson(const std::string& case_id, const text::PreparedPrompt& prompt) {
  ordered_json spans = ordered_json::array();
  for (const text::PromptSpan& span : prompt.spans)
    spans.push_back({{"name", span.name}, {"begin", prompt.offsets[span.begin]}, {"end", prompt.offsets[span.end]}});
  return {{"case_id", case_id}, {"tokens", prompt.ids.size()}, {"text", prompt.text}, {"spans", std::move(spans)}};
}

void runPromptCommand(const PromptArguments& arguments) {
  evaluation::ReplayOptions options{
      .results = arguments.results,
      .case_id = arguments.case_id,
      .sources = {{evaluation::kHaystackSource, arguments.haystack}, {evaluation::kDataSource, arguments.data}},
      .capture = {}};
  options.capture.session.model = arguments.model;
  options.capture.session.device = "cpu";  // nothing is computed
  text::PreparedPrompt prompt;
  callCapture<CasePromptEntry>("kvatlasCasePrompt", CasePromptCall{.options = &options, .prompt = &prompt}, true,
                               [] { return std::string("stopped"); });
  if (!arguments.json) return fmt::print("{}\n", prompt.text);
  fmt::print("{}\n", promptJson(arguments.case_id, prompt).dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace

void addPromptCommand(CLI::App& evaluate) {
  auto arguments = std::make_shared<PromptArguments>();
  CLI::App& command = *evaluate.add_subcommand("prompt", "print the prompt of a case of a run");
  command.add_option("results", arguments->results, "folder of results")->required();
  command.add_option("--case", arguments->case_id, "the case: L1024-D30-number-t0")->required();
  command.add_option("--model", arguments->model, "the model, if it has moved since the run");
  command.add_option("--haystack", arguments->haystack, "the text, if it has moved since the run");
  command.add_option("--data", arguments->data, "the rows of a benchmark, if they have moved since the run");
  command.add_flag("--json", arguments->json, "print text, tokens and spans (in bytes of the text) as JSON");
  command.callback([arguments] { runPromptCommand(*arguments); });
}

}  // namespace kvatlas::app
