#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/reference/reference_text.h"

namespace kvatlas::app {
namespace {

std::string fishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + "'";
}

// True when the command, and none of those below it, has been typed.
std::string condition(const ReferenceCommand& command) {
  std::string text;
  for (std::size_t i = 1; i < command.words.size(); ++i)
    text += fmt::format("{}__fish_seen_subcommand_from {}", text.empty() ? "" : "; and ", command.words[i]);
  std::string below;
  for (const ReferenceCommand& child : command.commands) below += " " + child.words.back();
  if (!below.empty()) text += fmt::format("{}not __fish_seen_subcommand_from{}", text.empty() ? "" : "; and ", below);
  return text;
}

std::string optionLine(const std::string& start, const ReferenceOption& option) {
  std::string line = start;
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.isFlag()) line += " -r";
  if (!option.choices.empty())
    line += fmt::format(" -f -a {}", fishQuoted(fmt::format("{}", fmt::join(option.choices, " "))));
  return line + " -d " + fishQuoted(option.description) + "\n";
}

std::string commandLines(const ReferenceCommand& command) {
  const std::string when = condition(command);
  std::string start = "complete -c " + command.words.front();
  if (!when.empty()) start += " -n " + fishQuoted(when);
  std::string lines;
  for (const ReferenceCommand& below : command.commands)
    lines += fmt::format("{} -f -a {} -d {}\n", start, below.words.back(), fishQuoted(below.description));
  for (const ReferenceOption& positional : command.positionals)
    if (!positional.choices.empty())
      lines += fmt::format("{} -a {} -d {}\n", start, fishQuoted(fmt::format("{}", fmt::join(positional.choices, " "))),
                           fishQuoted(positional.names.front()));
  for (const ReferenceOption& option : command.options) lines += optionLine(start, option);
  return lines;
}

}  // namespace

std::string fishCompletion(const ReferenceCommand& programme) {
  std::string text = fmt::format("# fish completion of {}, made from its options\n", programme.words.front());
  for (const ReferenceCommand* command : allCommands(programme)) text += commandLines(*command);
  return text;
}

}  // namespace kvatlas::app
