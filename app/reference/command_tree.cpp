#include "app/reference/command_tree.h"

#include <sstream>

namespace kvatlas::app {
namespace {

// CLI11 writes a type and its checks as "TEXT:{mean,max}" or "INT:INT in [1 - 4096]".
void readType(const std::string& type, ReferenceOption& option) {
  const std::size_t colon = type.find(':');
  option.value = type.substr(0, colon);
  if (colon == std::string::npos) return;
  const std::string check = type.substr(colon + 1);
  if (check.size() < 2 || check.front() != '{' || check.back() != '}') {
    option.limits = check;
    return;
  }
  std::istringstream words(check.substr(1, check.size() - 2));
  for (std::string word; std::getline(words, word, ',');) option.choices.push_back(word);
}

ReferenceOption referenceOf(const CLI::Option& given, const KnownValues& known) {
  ReferenceOption option{.description = given.get_description(),
                         .default_value = given.get_default_str(),
                         .required = given.get_required()};
  if (given.nonpositional()) {
    for (const std::string& name : given.get_snames()) option.names.push_back("-" + name);
    for (const std::string& name : given.get_lnames()) option.names.push_back("--" + name);
  } else {
    option.names.push_back(given.get_single_name());
  }
  if (given.get_items_expected_max() > 0) readType(given.get_type_name(), option);
  for (const std::string& name : option.names)
    if (const auto values = known.find(name); values != known.end()) option.choices = values->second;
  return option;
}

ReferenceCommand referenceOf(const CLI::App& app, std::vector<std::string> words, const KnownValues& known) {
  words.push_back(app.get_name());
  ReferenceCommand command{.words = std::move(words), .description = app.get_description(), .footer = app.get_footer()};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    (option->nonpositional() ? command.options : command.positionals).push_back(referenceOf(*option, known));
  }
  for (const CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!below->get_group().empty()) command.commands.push_back(referenceOf(*below, command.words, known));
  return command;
}

}  // namespace

std::string ReferenceCommand::name(char separator) const {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(1, separator)) + word;
  return text;
}

ReferenceCommand referenceOf(const CLI::App& programme, const KnownValues& known) {
  return referenceOf(programme, {}, known);
}

std::vector<const ReferenceCommand*> allCommands(const ReferenceCommand& command) {
  std::vector<const ReferenceCommand*> all{&command};
  for (const ReferenceCommand& below : command.commands) {
    const auto deeper = allCommands(below);
    all.insert(all.end(), deeper.begin(), deeper.end());
  }
  return all;
}

}  // namespace kvatlas::app
