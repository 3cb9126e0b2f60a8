// `kvatlas`: the command line. Starts fast: only commands that need libtorch or Qt open them.
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "app/cli/bench/bench_command.h"
#include "app/cli/commands/capture_command.h"
#include "app/cli/commands/evaluate_command.h"
#include "app/cli/commands/explore_command.h"
#include "app/cli/commands/export/export_command.h"
#include "app/cli/commands/figure_command.h"
#include "app/cli/commands/generate_command.h"
#include "app/cli/commands/heads_command.h"
#include "app/cli/commands/info_command.h"
#include "app/cli/commands/methods_command.h"
#include "app/cli/commands/reference_command.h"
#include "app/cli/commands/tokenize_command.h"
#include "app/cli/commands/validate_command.h"
#include "core/base/console.h"
#include "core/base/mapped_file.h"
#include "core/base/outcome.h"
#include "core/base/suggest.h"
#include "core/base/version.h"
#include "core/trace/vetting.h"

namespace {

using kvatlas::Outcome;

void addCommands(CLI::App& root) {
  kvatlas::app::addCaptureCommand(root);
  kvatlas::app::addGenerateCommand(root);
  kvatlas::app::addInfoCommand(root);
  kvatlas::app::addValidateCommand(root);
  kvatlas::app::addEvaluateCommand(root);
  kvatlas::app::addHeadsCommand(root);
  kvatlas::app::addExportCommand(root);
  kvatlas::app::addFigureCommand(root);
  kvatlas::app::addExploreCommand(root);
  kvatlas::app::addTokenizeCommands(root);
  kvatlas::app::addBenchCommand(root);
  kvatlas::app::addMethodsCommand(root);
  kvatlas::app::addReferenceCommand(root);
}

// Candidates for a suggestion: the options or the commands.
std::vector<std::string> knownWords(const CLI::App& root, bool is_option) {
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  std::vector<std::string> words;
  if (is_option) {
    for (const CLI::Option* option : app->get_options())
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  } else {
    for (const CLI::App* command : app->get_subcommands(nullptr)) words.push_back(command->get_name());
  }
  return words;
}

Outcome unknownWord(const CLI::App& root, const std::string& given) {
  const std::string word = given.substr(0, given.find('='));
  const bool is_option = word.starts_with('-');
  const std::vector<std::string> known = knownWords(root, is_option);
  const char* kind = is_option ? "option" : known.empty() ? "argument" : "command";
  return {2, fmt::format("{}: unknown {}{}", word, kind, known.empty() ? "" : kvatlas::suggestion(word, known))};
}

Outcome parseAndRun(CLI::App& root, int argc, char** argv) {
  try {
    root.parse(argc, argv);
    return {};
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      root.exit(error);
      return {};
    }
    // Reports a mistyped word first: it may be the option that seems to be missing.
    const std::vector<std::string> unknown = root.remaining(true);
    const bool misses = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                        dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    if (misses && !unknown.empty()) return unknownWord(root, unknown.front());
    return {2, error.what()};
  }
}

// Output that cannot be written is a failure. A pipe closed by its reader (`| head`) is not.
Outcome finishOutput(Outcome outcome) {
  const bool failed_before = std::ferror(stdout) != 0;
  errno = 0;
  if (std::fflush(stdout) == 0 && !failed_before) return outcome;
  pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  const bool reader_closed = errno == EPIPE || (::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0);
  if (reader_closed) return {1, ""};
  return {1, kvatlas::systemMessage("standard output", errno != 0 ? errno : EIO)};
}

}  // namespace

int main(int argc, char** argv) {
  kvatlas::reserveStandardStreams();
  // A closed pipe (`kvatlas info x | head`) or a limit on file sizes must not kill the process before its error
  // message.
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  kvatlas::explainLostMappings("kvatlas");
  Outcome inner;
  const Outcome outcome = kvatlas::guarded([&] {
    kvatlas::trace::offerVetting(argc, argv);
    CLI::App root{"KVAtlas: attention maps and KV-cache eviction, recorded and shown", "kvatlas"};
    root.set_version_flag("--version", std::string("kvatlas ") + kvatlas::kVersion);
    root.require_subcommand(1);
    addCommands(root);
    inner = parseAndRun(root, argc, argv);
  });
  const Outcome last = finishOutput(outcome.exit_code != 0 ? outcome : inner);
  if (!last.message.empty())
    kvatlas::say(fmt::format("kvatlas: error: {}\n", kvatlas::printable(kvatlas::firstLine(last.message))));
  return last.exit_code;
}
