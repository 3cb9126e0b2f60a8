#include "app/cli/commands/info_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/commands/model_info.h"
#include "core/base/console.h"
#include "core/base/error.h"
#include "core/base/json_depth.h"
#include "core/trace/reader.h"
#include "core/trace/schema.h"

namespace kvatlas::app {
namespace {

using nlohmann::json;
using trace::Reader;

// One line of untrusted text; line ends and tabs become spaces.
std::string oneLine(std::string text, std::size_t width) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return printable(text, width);
}

json finiteOrNull(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json modelJson(const trace::ModelInfo& model) {
  return {{"name", model.name},
          {"architecture", model.architecture},
          {"layers", model.layers},
          {"query_heads", model.query_heads},
          {"kv_heads", model.kv_heads},
          {"head_dim", model.head_dim},
          {"hidden_size", model.hidden_size},
          {"vocab_size", model.vocab_size},
          {"tokenizer_ids", model.tokenizer_ids == 0 ? json(nullptr) : json(model.tokenizer_ids)},
          {"rope_theta", model.rope_theta},
          {"sliding_window", model.sliding_window},
          {"compute_dtype", model.compute_dtype},
          {"weights_fingerprint", model.weights_fingerprint},
          {"experts", model.experts},
          {"experts_per_token", model.experts_per_token}};
}

json promptJson(const trace::Prompt& prompt) {
  json spans = json::array();
  for (const trace::Span& span : prompt.spans)
    spans.push_back({{"name", span.name}, {"begin", span.begin}, {"end", span.end}});
  return {{"tokens", prompt.ids.size()},
          {"bytes", prompt.text.size()},
          {"spans", spans},
          {"question", prompt.question.ids.empty() ? json(nullptr)
                                                   : json{{"tokens", prompt.question.ids.size()},
                                                          {"begin", prompt.ids.size()},
                                                          {"text", oneLine(prompt.question.text, 400)}}},
          {"chat", prompt.chat.empty() ? json(nullptr) : json(prompt.chat)},
          {"start", oneLine(prompt.text, 200)}};
}

// Adds what the body throws to `errors`. False: it threw.
template <class Body>
bool attempt(std::vector<std::string>& errors, const Body& body) {
  try {
    body();
    return true;
  } catch (const Error& error) {
    errors.emplace_back(error.what());
    return false;
  }
}

// Names of a layer's recorded members; empty when the layer was not recorded. A damaged one is marked, and its error
// added to `errors`.
std::vector<std::string> membersOf(const Reader& reader, LayerIndex layer, std::vector<std::string>& errors) {
  std::vector<std::string> members;
  if (!reader.hasLayer(layer)) return members;
  const auto look = [&](const std::string& name, const std::string& shown) {
    bool held = false;
    const bool readable = attempt(errors, [&] { held = reader.holds(layer, name); });
    if (held || !readable) members.push_back(readable ? shown : shown + " (unreadable)");
  };
  for (const SignalInfo& info : signalTable()) look(std::string(info.name), std::string(info.name));
  for (const bool max : {false, true})
    for (std::size_t level = 0; level < reader.header().attention.cells.size(); ++level) {
      const std::string path = trace::schema::mapPath(max, level);
      const std::string shown = level == 0 ? path.substr(0, path.rfind('/')) : path;
      look(path, shown);
      if (level > 0 && members.back() == shown) members.pop_back();  // one name for all readable levels
    }
  for (const char* name : {"query", "key"}) look(name, name);
  return members;
}

// What a finished run adds to its header.
void addRecord(const Reader& reader, std::size_t index, json& run) {
  const trace::RunHeader& header = reader.header().runs[index];
  const auto record = reader.run(index, trace::RunParts::WithoutPositions);
  run["recorded"] = record.has_value();
  if (!record) return;
  run["budget_realised"] = finiteOrNull(record->budget_realised);
  run["cache_bytes"] = record->cache_bytes;
  run["seconds"] = finiteOrNull(record->seconds);
  run["generated_tokens"] = record->decode_ids.size();
  if (header.every > 0 && !record->step_bytes.empty()) {
    run["every"] = header.every;
    run["evicted"] = record->evicted.size();
    run["cache_bytes_peak"] = *std::ranges::max_element(record->step_bytes);
    run["cache_bytes_end"] = record->step_bytes.back();
  }
  if (header.merges) {
    const auto merged = [](const std::vector<TokenIndex>& into) {
      return into.size() - static_cast<std::size_t>(std::ranges::count(into, trace::kNoToken));
    };
    run["merged"] = merged(record->merged_into) + merged(record->evicted_into);
  }
  run["text"] = record->decode_text;
  static_cast<void>(reader.attended(index, LayerIndex(0), 0, 0));  // an error if it is damaged
}

json runJson(const Reader& reader, std::size_t index, std::vector<std::string>& errors) {
  const trace::RunHeader& header = reader.header().runs[index];
  json run = {{"label", header.label},
              {"method", header.method},
              {"budget", header.budget},
              {"budget_nominal", finiteOrNull(header.budget_nominal)},
              {"granularity", header.granularity},
              {"attended_keys", header.attended},
              {"parameters", parseOrDiscard(header.parameters)}};
  if (run["parameters"].is_discarded()) run["parameters"] = header.parameters;
  if (!attempt(errors, [&] { addRecord(reader, index, run); })) run["recorded"] = nullptr;
  return run;
}

// The recorded query heads.
std::vector<std::uint32_t> headsOf(const trace::TraceHeader& header) {
  std::vector<std::uint32_t> heads;
  for (std::uint32_t head = 0; head < header.model.query_heads; ++head)
    if (trace::schema::recordsHead(header.attention, HeadIndex(head))) heads.push_back(head);
  return heads;
}

json infoJson(const Reader& reader, std::vector<std::string>& errors) {
  const trace::TraceHeader& header = reader.header();
  json layers = json::array(), runs = json::array();
  for (const LayerIndex layer : header.attention.layers)
    layers.push_back({{"layer", layer.value}, {"members", membersOf(reader, layer, errors)}});
  for (std::size_t run = 0; run < header.runs.size(); ++run) runs.push_back(runJson(reader, run, errors));
  attempt(errors, [&] { static_cast<void>(reader.nextLogits()); });
  attempt(errors, [&] { static_cast<void>(reader.experts()); });
  attempt(errors, [&] { static_cast<void>(reader.notes()); });
  return {{"file", reader.path().string()},
          {"bytes", std::filesystem::file_size(reader.path())},
          {"complete", reader.complete()},
          {"generator", header.generator},
          {"created", header.created},
          {"model", modelJson(header.model)},
          {"prompt", promptJson(header.prompt)},
          {"attention",
           {{"window", header.attention.window},
            {"map_cells", header.attention.cells},
            {"heads", headsOf(header)},
            {"layers", layers}}},
          {"runs", runs}};
}

// How the prompt uses a chat template; empty: no chat template.
std::string chatText(const json& chat) {
  if (chat.is_null() || chat == "none") return {};
  if (chat == "auto") return "wrapped in the model's chat template";
  if (chat == "unused") return "plain text, though the model has a chat template (--chat auto wraps a prompt in it)";
  return fmt::format("wrapped in the chat template {}", oneLine(chat.get<std::string>(), 40));
}

std::string sizeText(std::uint64_t bytes) {
  const double amount = static_cast<double>(bytes);
  if (amount >= 1e9) return fmt::format("{:.2f} GB", amount / 1e9);
  return amount >= 1e6 ? fmt::format("{:.1f} MB", amount / 1e6) : fmt::format("{:.1f} kB", amount / 1e3);
}

// Joins neighbours with the same members: "layers 0 to 5".
void printLayers(const json& layers) {
  for (std::size_t i = 0; i < layers.size();) {
    std::size_t last = i;
    while (last + 1 < layers.size() && layers[last + 1]["members"] == layers[i]["members"]) ++last;
    const auto members = layers[i]["members"].get<std::vector<std::string>>();
    const auto from = layers[i]["layer"].get<std::uint32_t>(), to = layers[last]["layer"].get<std::uint32_t>();
    const std::string range =
        from == to ? fmt::format("layer {}", from) : fmt::format("layers {} to {} ({})", from, to, last - i + 1);
    fmt::print("  {}: {}\n", range, members.empty() ? "not recorded" : fmt::format("{}", fmt::join(members, ", ")));
    i = last + 1;
  }
}

void printRuns(const json& runs) {
  std::size_t width = 3;
  for (const json& run : runs) width = std::max(width, oneLine(run["label"].get<std::string>(), 40).size());
  fmt::print("runs\n  {:<{}}  {:>8}  {:>9}  {:>9}  {:>8}  text\n", "run", width, "budget", "kept/head", "cache",
             "seconds");
  for (const json& run : runs) {
    const auto label = oneLine(run["label"].get<std::string>(), 40),
               budget = oneLine(run["budget"].get<std::string>(), 20);
    if (run["recorded"] != true) {
      fmt::print("  {:<{}}  {:>8}  {}\n", label, width, budget,
                 run["recorded"].is_null() ? "unreadable" : "not recorded");
      continue;
    }
    const auto number = [&](const char* name) { return run[name].is_null() ? std::nan("") : run[name].get<double>(); };
    fmt::print("  {:<{}}  {:>8}  {:>9.1f}  {:>9}  {:>8.2f}  {}\n", label, width, budget, number("budget_realised"),
               sizeText(run["cache_bytes"].get<std::uint64_t>()), number("seconds"),
               oneLine(run["text"].get<std::string>(), 60));
    if (run.contains("merged"))
      fmt::print("  {:<{}}  {} evicted tokens merged into kept ones\n", "", width, run["merged"].get<std::uint64_t>());
    if (run.contains("every"))
      fmt::print("  {:<{}}  decides again every {} tokens: {} evicted, cache at most {}, {} at the end\n", "", width,
                 run["every"].get<std::uint32_t>(), run["evicted"].get<std::uint64_t>(),
                 sizeText(run["cache_bytes_peak"].get<std::uint64_t>()),
                 sizeText(run["cache_bytes_end"].get<std::uint64_t>()));
  }
}

void printInfo(const json& info) {
  const json &model = info["model"], &prompt = info["prompt"], &attention = info["attention"];
  fmt::print("{}: {}{}\n", info["file"].get<std::string>(), sizeText(info["bytes"].get<std::uint64_t>()),
             info["complete"].get<bool>() ? "" : ", UNFINISHED: it holds everything written until its capture stopped");
  fmt::print("made by {}, {}\n", oneLine(info["generator"].get<std::string>(), 60),
             oneLine(info["created"].get<std::string>(), 40));
  fmt::print("model {} ({}), {} layers, {} query heads, {} KV heads of {}, {}\n",
             oneLine(model["name"].get<std::string>(), 80), oneLine(model["architecture"].get<std::string>(), 60),
             model["layers"].get<int>(), model["query_heads"].get<int>(), model["kv_heads"].get<int>(),
             model["head_dim"].get<int>(), oneLine(model["compute_dtype"].get<std::string>(), 10));
  if (model["experts"] != 0)
    fmt::print("  {} experts in every layer, {} per token\n", model["experts"].get<int>(),
               model["experts_per_token"].get<int>());
  if (const json& ids = model["tokenizer_ids"]; !ids.is_null())
    fmt::print("  vocabulary of {} ids, padded: the tokenizer has {}, the others have no text\n",
               model["vocab_size"].get<std::uint32_t>(), ids.get<std::uint32_t>());
  const bool context = !prompt["question"].is_null();
  fmt::print("{} of {} tokens, {} bytes: {}\n", context ? "context" : "prompt", prompt["tokens"].get<std::uint64_t>(),
             prompt["bytes"].get<std::uint64_t>(), prompt["start"].get<std::string>());
  if (const std::string chat = chatText(prompt["chat"]); !chat.empty()) fmt::print("  {}\n", chat);
  for (const json& span : prompt["spans"]) {
    fmt::print("  {}: tokens {} to {}\n", oneLine(span["name"].get<std::string>(), 60),
               span["begin"].get<std::uint64_t>(), span["end"].get<std::uint64_t>());
  }
  if (context)
    fmt::print("  compressed before the question of {} tokens behind it, which every run holds: {}\n",
               prompt["question"]["tokens"].get<std::uint64_t>(),
               oneLine(prompt["question"]["text"].get<std::string>(), 200));
  fmt::print("attention{}, window {}, tokens per map cell {}\n", context ? " of the context" : "",
             attention["window"].get<std::uint64_t>(),
             fmt::join(attention["map_cells"].get<std::vector<std::uint64_t>>(), ", "));
  if (const auto heads = attention["heads"].get<std::vector<std::uint32_t>>();
      heads.size() < info["model"]["query_heads"].get<std::size_t>())
    fmt::print("  query heads {} alone\n", fmt::join(heads, ", "));
  printLayers(attention["layers"]);
  printRuns(info["runs"]);
  if (const json& runs = info["runs"]; !runs.empty() && runs[0]["attended_keys"] != 0)
    fmt::print("  with the {} most attended keys of every generated token, layer and head\n",
               runs[0]["attended_keys"].get<int>());
}

}  // namespace

void addInfoCommand(CLI::App& root) {
  CLI::App* command = root.add_subcommand("info", "show what a trace holds, or what a model is");
  auto file = std::make_shared<std::string>();
  auto as_json = std::make_shared<bool>(false), measure = std::make_shared<bool>(false);
  auto threads = std::make_shared<unsigned>(0);
  command->add_option("file", *file, "Trace file, checkpoint folder or GGUF file")->required();
  command->add_flag("--json", *as_json, "Print JSON");
  command->add_flag("--measure", *measure, "of a model: its error and speed in bf16 against f32, on the CPU");
  command->add_option("--threads", *threads, "processor threads with --measure, 0: all")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->callback([=] {
    if (isModel(*file)) return printModel({.model = *file, .measure = *measure, .threads = *threads}, *as_json);
    if (*measure) failUsage("--measure: {} is a trace; only a model can be measured", *file);
    std::vector<std::string> errors;
    const json info = infoJson(Reader(*file), errors);
    if (*as_json)
      fmt::print("{}\n", info.dump(2, ' ', false, json::error_handler_t::replace));
    else
      printInfo(info);
    if (errors.size() == 1) throw Error(errors.front());
    if (!errors.empty()) fail("{}; {} members in all cannot be read", errors.front(), errors.size());
  });
}

}  // namespace kvatlas::app
