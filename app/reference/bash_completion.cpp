#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/reference/reference_text.h"

namespace kvatlas::app {
namespace {

// Patterns of a case: every name of the option after its command.
std::string patterns(const ReferenceCommand& command, const ReferenceOption& option) {
  std::string text;
  for (const std::string& name : option.names)
    text += fmt::format("{}'{}:{}'", text.empty() ? "" : " | ", command.name(), name);
  return text;
}

std::string valueCases(const ReferenceCommand& command) {
  std::string text;
  for (const ReferenceOption& option : command.options) {
    if (option.isFlag()) continue;
    text += option.choices.empty() ? fmt::format("    {}) compopt -o default; return ;;\n", patterns(command, option))
                                   : fmt::format("    {}) COMPREPLY=($(compgen -W {} -- \"$current\")); return ;;\n",
                                                 patterns(command, option),
                                                 shellQuoted(fmt::format("{}", fmt::join(option.choices, " "))));
  }
  return text;
}

std::string wordsCase(const ReferenceCommand& command) {
  std::vector<std::string> options, words;
  for (const ReferenceOption& option : command.options)
    options.insert(options.end(), option.names.begin(), option.names.end());
  for (const ReferenceCommand& below : command.commands) words.push_back(below.words.back());
  for (const ReferenceOption& positional : command.positionals)
    words.insert(words.end(), positional.choices.begin(), positional.choices.end());
  return fmt::format("    '{}') options={}; words={}; files={} ;;\n", command.name(),
                     shellQuoted(fmt::format("{}", fmt::join(options, " "))),
                     shellQuoted(fmt::format("{}", fmt::join(words, " "))), command.positionals.empty() ? 0 : 1);
}

std::string pathPatterns(const std::vector<const ReferenceCommand*>& commands) {
  std::string text;
  for (const ReferenceCommand* command : commands)
    if (command->words.size() > 1) text += fmt::format("{}'{}'", text.empty() ? "" : " | ", command->name());
  return text.empty() ? "''" : text;
}

}  // namespace

std::string bashCompletion(const ReferenceCommand& programme) {
  const auto commands = allCommands(programme);
  std::string values, words;
  for (const ReferenceCommand* command : commands) {
    values += valueCases(*command);
    words += wordsCase(*command);
  }
  const std::string name = programme.words.front(), function = "_" + functionName(programme);
  return fmt::format(R"(# bash completion of {0}, made from its options
{1}() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD - 1]}}"
  local path='{0}' options='' words='' files=0 i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$path ${{COMP_WORDS[i]}}" in
    {2}) path="$path ${{COMP_WORDS[i]}}" ;;
    esac
  done
  COMPREPLY=()
  case "$path:$previous" in
{3}  esac
  case "$path" in
{4}  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [ "$files" = 1 ] && compopt -o default
  fi
}}
complete -F {1} {0}
)",
                     name, function, pathPatterns(commands), values, words);
}

}  // namespace kvatlas::app
