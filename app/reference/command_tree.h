// A programme's commands and options as plain data: what manual pages and shell completions are made from.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

namespace kvatlas::app {

struct ReferenceOption {
  std::vector<std::string> names;  // "-o", "--output"; a positional has one name without dashes
  std::string description, default_value;
  std::string value;                 // "TEXT", "INT"; empty: a flag
  std::string limits;                // "INT in [1 - 4096]"; empty: none
  std::vector<std::string> choices;  // the only values, if they are known
  bool required = false;

  [[nodiscard]] bool isFlag() const { return value.empty(); }
};

struct ReferenceCommand {
  std::vector<std::string> words;  // "kvatlas", "evaluate", "needle"
  std::string description, footer;
  std::vector<ReferenceOption> options, positionals;
  std::vector<ReferenceCommand> commands;

  // "kvatlas evaluate needle" with a space, "kvatlas-evaluate-needle" with a dash.
  [[nodiscard]] std::string name(char separator = ' ') const;
};

// Values that the parser itself does not list, by option or positional: {"--method", {"snapkv", …}}.
using KnownValues = std::map<std::string, std::vector<std::string>>;

// Leaves out hidden commands and options (those of the group "").
[[nodiscard]] ReferenceCommand referenceOf(const CLI::App& programme, const KnownValues& known = {});

// The command and all below it, each parent before its children.
[[nodiscard]] std::vector<const ReferenceCommand*> allCommands(const ReferenceCommand& command);

}  // namespace kvatlas::app
