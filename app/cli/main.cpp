// `kvatlas`: the command line. Starts at once; libtorch and Qt are opened only by the commands that need them.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "app/cli/bench_command.h"
#include "app/cli/capture_command.h"
#include "app/cli/export_command.h"
#include "app/cli/figure_command.h"
#include "app/cli/info_command.h"
#include "app/cli/tokenize_command.h"
#include "app/cli/validate_command.h"
#include "app/outcome.h"
#include "core/base/suggest.h"
#include "core/base/version.h"

namespace {

using kvatlas::app::Outcome;

void addCommands(CLI::App& root) {
  kvatlas::app::addCaptureCommand(root);
  kvatlas::app::addGenerateCommand(root);
  kvatlas::app::addInfoCommand(root);
  kvatlas::app::addValidateCommand(root);
  kvatlas::app::addExportCommand(root);
  kvatlas::app::addFigureCommand(root);
  kvatlas::app::addTokenizeCommands(root);
  kvatlas::app::addBenchCommand(root);
}

// The option names a command knows, for suggestions.
std::vector<std::string> knownWords(const CLI::App& root) {
  std::vector<std::string> words;
  const auto addOptions = [&](const CLI::App* app) {
    for (const CLI::Option* option : app->get_options())
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  };
  const auto chosen = root.get_subcommands();
  if (!chosen.empty()) {
    addOptions(chosen.front());
    return words;
  }
  for (const CLI::App* command : root.get_subcommands(nullptr)) words.push_back(command->get_name());
  return words;
}

Outcome parseAndRun(CLI::App& root, int argc, char** argv) {
  try {
    root.parse(argc, argv);
    return {};
  } catch (const CLI::ExtrasError& error) {
    const std::vector<std::string> extras = root.remaining(true);
    const std::string word = extras.empty() ? "" : extras.front();
    return {2, fmt::format("{}: unknown {}{}", word, word.starts_with("-") ? "option" : "command or argument", kvatlas::suggestion(word, knownWords(root)))};
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      root.exit(error);
      return {};
    }
    return {2, error.what()};
  }
}

}  // namespace

int main(int argc, char** argv) {
  // A closed pipe (`kvatlas info x | head`) ends output, not the programme's last words.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App root{"KVAtlas: attention maps and KV-cache eviction, recorded and shown", "kvatlas"};
  root.set_version_flag("--version", std::string("kvatlas ") + kvatlas::kVersion);
  root.require_subcommand(1);
  addCommands(root);
  Outcome inner;
  const Outcome outcome = kvatlas::app::guarded([&] { inner = parseAndRun(root, argc, argv); });
  const Outcome& last = outcome.exit_code != 0 ? outcome : inner;
  if (last.exit_code != 0) fmt::print(stderr, "kvatlas: error: {}\n", kvatlas::app::firstLine(last.message));
  if (std::fflush(stdout) != 0 && last.exit_code == 0) return 1;
  return last.exit_code;
}
