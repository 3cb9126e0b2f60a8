#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/reference/reference_text.h"

namespace kvatlas::app {
namespace {

// Text inside the brackets or after the colon of an _arguments specification.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string action(const ReferenceOption& option) {
  return option.choices.empty() ? "_files" : fmt::format("({})", fmt::join(option.choices, " "));
}

std::string specification(const ReferenceOption& option) {
  std::string text;
  for (const std::string& name : option.names) {
    std::string one = fmt::format("*{}[{}]", name, escaped(option.description));
    if (!option.isFlag()) one += fmt::format(":{}:{}", escaped(option.value), action(option));
    text += fmt::format(" \\\n        {}", shellQuoted(one));
  }
  return text;
}

std::string commandCase(const ReferenceCommand& command) {
  std::string text = fmt::format("    '{}')\n", command.name());
  std::string arguments;
  for (const ReferenceOption& option : command.options) arguments += specification(option);
  if (command.commands.empty()) {
    for (const ReferenceOption& positional : command.positionals)
      arguments +=
          " \\\n        " + shellQuoted(fmt::format(":{}:{}", escaped(positional.names.front()), action(positional)));
    return fmt::format("{}      _arguments{}\n      ;;\n", text, arguments);
  }
  std::string listed;
  for (const ReferenceCommand& below : command.commands)
    listed += " " + shellQuoted(fmt::format("{}:{}", below.words.back(), below.description));
  return fmt::format("{}      commands=({})\n      _describe command commands\n      _arguments{}\n      ;;\n", text,
                     listed.substr(1), arguments);
}

}  // namespace

std::string zshCompletion(const ReferenceCommand& programme) {
  std::string cases, paths;
  for (const ReferenceCommand* command : allCommands(programme)) {
    cases += commandCase(*command);
    if (command->words.size() > 1) paths += fmt::format("{}'{}'", paths.empty() ? "" : " | ", command->name());
  }
  return fmt::format(R"(#compdef {0}
# zsh completion of {0}, made from its options
local path_='{0}' i depth=1
local -a commands
for ((i = 2; i < CURRENT; ++i)); do
  case "$path_ $words[i]" in
  {1}) path_="$path_ $words[i]"; depth=$i ;;
  esac
done
shift $((depth - 1)) words
((CURRENT -= depth - 1))
case "$path_" in
{2}esac
)",
                     programme.words.front(), paths.empty() ? "''" : paths, cases);
}

}  // namespace kvatlas::app
