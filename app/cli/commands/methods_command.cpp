#include "app/cli/commands/methods_command.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/policy/merging.h"
#include "core/policy/parameters.h"
#include "core/policy/parts.h"

namespace kvatlas::app {
namespace {

using nlohmann::json;

struct MethodsArguments {
  std::string name;
  bool json = false, markdown = false;
};

const policy::NamedMethod& namedRow(const policy::Method& method) {
  for (const policy::NamedMethod& named : policy::namedMethods())
    if (named.name == method.name) return named;
  fail("method '{}' has no row", method.name);
}

json parameterJson(const policy::ParameterSpec& spec) {
  return {{"name", spec.name},
          {"values", spec.values},
          {"default", spec.default_value},
          {"paper", policy::presetValue(spec, policy::Preset::Paper)},
          {"kvpress", policy::presetValue(spec, policy::Preset::Kvpress)},
          {"meaning", spec.meaning}};
}

json methodJson(const policy::Method& method) {
  const policy::NamedMethod& named = namedRow(method);
  json parameters = json::array(), needs = json::array();
  for (const policy::ParameterSpec& spec : method.parameters) parameters.push_back(parameterJson(spec));
  for (const Signal signal : method.needs.members())
    needs.push_back(
        {{"signal", nameOf(signal)}, {"cost", infoOf(signal).cost}, {"always_recorded", !infoOf(signal).onDemand()}});
  const std::string obstacle = policy::everyObstacle(method);
  return {{"name", method.name},
          {"title", method.title},
          {"paper", method.paper},
          {"keeps", named.keeps},
          {"equals", named.equals},
          {"parts",
           {{"score", method.parts.score},
            {"values", method.parts.values},
            {"allocate", method.parts.allocate},
            {"select", method.parts.select},
            {"merge", method.parts.merge},
            {"store", method.parts.store}}},
          {"parameters", parameters},
          {"needs", needs},
          {"stored", method.store->cost},
          {"while_decoding", obstacle.empty()},
          {"not_while_decoding", obstacle.empty() ? json() : json(obstacle)}};
}

template <class Part>
json partsJson(std::span<const Part> parts) {
  json list = json::array();
  for (const Part& part : parts) {
    json parameters = json::array();
    for (const policy::ParameterSpec& spec : part.parameters) parameters.push_back(parameterJson(spec));
    list.push_back({{"name", part.name}, {"meaning", part.meaning}, {"parameters", parameters}});
  }
  return list;
}

json allJson() {
  json methods = json::array();
  for (const policy::Method& method : policy::methods()) methods.push_back(methodJson(method));
  return {{"methods", methods},
          {"parts",
           {{"score", partsJson(policy::scoreParts())},
            {"values", partsJson(policy::valuesParts())},
            {"allocate", partsJson(policy::allocateParts())},
            {"select", partsJson(policy::selectParts())},
            {"merge", partsJson(policy::mergeParts())},
            {"store", partsJson(policy::storeParts())}}}};
}

// The table of the README.
std::string markdownTable() {
  std::string text = "| Method | Keeps | Paper |\n|---|---|---|\n";
  for (const policy::NamedMethod& named : policy::namedMethods()) {
    const std::string_view paper = named.paper;
    const std::string link = paper.starts_with("arXiv:")
                                 ? fmt::format("[{}](https://arxiv.org/abs/{})", paper, paper.substr(6))
                             : paper.starts_with("openreview:")
                                 ? fmt::format("[{}](https://openreview.net/forum?id={})", paper, paper.substr(11))
                                 : "–";
    text += fmt::format("| `{}` | {} | {} |\n", named.name, named.keeps, link);
  }
  return text;
}

template <class Part>
std::string partLines(std::string_view title, std::span<const Part> parts) {
  std::string text = fmt::format("{}\n", title);
  for (const Part& part : parts)
    if (part.name != "everything") text += fmt::format("  {:<16} {}\n", part.name, part.meaning);
  return text;
}

std::string overview() {
  std::string text = "Methods (kvatlas methods NAME for one):\n";
  for (const policy::NamedMethod& named : policy::namedMethods())
    text += fmt::format("  {:<14} {}\n", named.name, named.keeps);
  text += "\nAny part of a method can be replaced by an option, as in --method snapkv:allocate=adaptive,values=on.\n";
  text += partLines("score, by name of the method:", policy::scoreParts());
  text += partLines("values=", policy::valuesParts());
  text += partLines("allocate=", policy::allocateParts());
  text += partLines("select=", policy::selectParts());
  text += partLines("merge=", policy::mergeParts());
  return text + partLines("store=, or bits=2|4|8 for kivi:", policy::storeParts());
}

std::string describe(const policy::Method& method) {
  const policy::NamedMethod& named = namedRow(method);
  std::string text = fmt::format("{}: {}{}\nKeeps {}.\n", method.name, method.title,
                                 method.paper.empty() ? "" : fmt::format(", {}", method.paper), named.keeps);
  text += fmt::format("Parts: score {}, values {}, allocate {}, select {}, merge {}, store {}\n", method.parts.score,
                      method.parts.values, method.parts.allocate, method.parts.select, method.parts.merge,
                      method.parts.store);
  if (!named.equals.empty()) text += fmt::format("Equals {}\n", named.equals);
  for (const Signal signal : method.needs.members())
    text += fmt::format("Needs {}: {} (cost: {}{})\n", nameOf(signal), infoOf(signal).meaning, infoOf(signal).cost,
                        infoOf(signal).onDemand() ? "; only recorded for methods that ask" : "");
  const std::string obstacle = policy::everyObstacle(method);
  text += obstacle.empty() ? fmt::format("Decides again while decoding with every=K{}\n",
                                         policy::commonOf(method.needs, policy::kSignalsOfEntries).empty()
                                             ? ""
                                             : ", with --granularity kv-head")
                           : fmt::format("Does not decide again while decoding: {}\n", obstacle);
  if (!method.store->cost.empty()) text += fmt::format("Stored: {}\n", method.store->cost);
  if (!method.parameters.empty()) text += "Parameters:\n";
  for (const policy::ParameterSpec& spec : method.parameters) {
    const std::string_view paper = policy::presetValue(spec, policy::Preset::Paper),
                           kvpress = policy::presetValue(spec, policy::Preset::Kvpress);
    text += fmt::format("  {}={}  {} ({}{}{})\n", spec.name, spec.default_value, spec.meaning, spec.values,
                        paper == spec.default_value ? "" : fmt::format("; paper: {}", paper),
                        kvpress == spec.default_value ? "" : fmt::format("; kvpress: {}", kvpress));
  }
  return text;
}

void runMethodsCommand(const MethodsArguments& arguments) {
  if (arguments.markdown) {
    fmt::print("{}", markdownTable());
    return;
  }
  const policy::Method* const method = arguments.name.empty() ? nullptr : policy::parseMethod(arguments.name).method;
  if (arguments.json)
    fmt::print("{}\n", (method == nullptr ? allJson() : methodJson(*method)).dump(2));
  else
    fmt::print("{}", method == nullptr ? overview() : describe(*method));
}

}  // namespace

void addMethodsCommand(CLI::App& root) {
  auto arguments = std::make_shared<MethodsArguments>();
  CLI::App& command = *root.add_subcommand("methods", "list the methods, their parts, parameters and needs");
  command.add_option("name", arguments->name, "one method, with parts if you like: snapkv:allocate=adaptive");
  command.add_flag("--json", arguments->json, "print as JSON");
  command.add_flag("--markdown", arguments->markdown, "print the table of the README");
  command.callback([arguments] { runMethodsCommand(*arguments); });
}

}  // namespace kvatlas::app
