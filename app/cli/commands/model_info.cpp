#include "app/cli/commands/model_info.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/capture/capture_module.h"
#include "app/cli/capture_call.h"
#include "core/base/console.h"
#include "core/base/error.h"

namespace kvatlas::app {
namespace {

using capture::ModelReport;
using capture::TypeReport;
using nlohmann::json;

// The rate at which the second type runs against the first.
double speed(const ModelReport& report, const TypeReport& type) {
  return type.seconds > 0 ? report.types.front().seconds / type.seconds : 0;
}

json typeJson(const ModelReport& report, const TypeReport& type) {
  return {{"dtype", type.type},
          {"tokens", type.tokens},
          {"seconds", type.seconds},
          {"speed", speed(report, type)},
          {"largest_logit_error", type.largest_error},
          {"mean_kl_nats", type.mean_kl},
          {"same_next_token", type.same_choice}};
}

json modelJson(const ModelReport& report) {
  json types = json::array();
  for (const TypeReport& type : report.types) types.push_back(typeJson(report, type));
  return {{"model", report.name},
          {"architecture", report.architecture},
          {"layers", report.layers},
          {"query_heads", report.query_heads},
          {"kv_heads", report.kv_heads},
          {"head_dim", report.head_dim},
          {"vocab_size", report.vocab_size},
          {"experts", report.experts},
          {"experts_per_token", report.experts_per_token},
          {"max_positions", report.max_positions},
          {"sliding_window", report.sliding_window},
          {"weights", report.weights},
          {"cache_bytes_per_token_f32", report.cache_bytes_token},
          {"tokenizer", report.tokenizer},
          {"chat_template", report.chat_template},
          {"fast_bf16", report.fast_bf16},
          {"dtypes", types},
          {"notices", report.notices}};
}

void printTypes(const ModelReport& report) {
  if (report.types.empty()) {
    fmt::print("compute types on this processor: f32 (the default){}\n",
               report.fast_bf16 ? "; it also multiplies bf16 fast: --dtype bf16, and --measure shows its error"
                                : ", bf16 without hardware for it");
    return;
  }
  fmt::print("compute types over a text of {} tokens, on this processor\n", report.types.front().tokens);
  for (const TypeReport& type : report.types) {
    fmt::print("  {:<4}  prefill {:.3f} s", type.type, type.seconds);
    if (&type == report.types.data()) {
      fmt::print("  the default, exact\n");
      continue;
    }
    fmt::print(
        "  {:.1f} times the speed; against f32: logits differ by at most {:.2g} % of the largest, KL {:.2g} "
        "nats, {} of {} next tokens are the same\n",
        speed(report, type), 100 * type.largest_error, type.mean_kl, type.same_choice, type.tokens);
  }
}

void printReport(const ModelReport& report) {
  fmt::print("{} ({}), {} layers, {} query heads, {} KV heads of {}\n", printable(report.name, 80),
             printable(report.architecture, 60), report.layers, report.query_heads, report.kv_heads, report.head_dim);
  if (report.experts != 0)
    fmt::print("  {} experts in every layer, {} per token\n", report.experts, report.experts_per_token);
  fmt::print("{:.1f} million weights, {} positions, vocabulary of {}\n", static_cast<double>(report.weights) / 1e6,
             report.max_positions, report.vocab_size);
  if (report.sliding_window != 0) fmt::print("  a token attends to the last {} at most\n", report.sliding_window);
  fmt::print("the full cache takes {:.1f} kB per token in f32\n", static_cast<double>(report.cache_bytes_token) / 1e3);
  fmt::print("{}, {}\n", report.tokenizer ? "a tokenizer" : "no tokenizer: prompts as --ids",
             report.chat_template ? "a chat template (--chat auto)" : "no chat template");
  printTypes(report);
  for (const std::string& notice : report.notices) fmt::print("note: {}\n", printable(notice, 400));
}

}  // namespace

bool isModel(const std::filesystem::path& path) {
  std::error_code code;
  return path.extension() == ".gguf" || std::filesystem::is_directory(path, code);
}

void printModel(const capture::ModelReportOptions& options, bool as_json) {
  ModelReport report;
  callCapture<ModelReportEntry>("kvatlasModelReport", ModelReportCall{.options = &options, .report = &report}, false,
                                [&] { return fmt::format("{}: stopped", options.model.string()); });
  if (as_json)
    fmt::print("{}\n", modelJson(report).dump(2, ' ', false, json::error_handler_t::replace));
  else
    printReport(report);
}

}  // namespace kvatlas::app
