#include "app/cli/commands/validate_command.h"

#include <fmt/format.h>

#include <unistd.h>

#include <memory>

#include "app/cli/interrupt.h"
#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/trace/reader.h"

namespace kvatlas::app {
namespace {

// Its lines of progress are for people who wait, not for logs.
bool isTerminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

void validateTrace(const std::string& file) {
  const Interrupt interrupt([] { return std::string("stopped; the trace was not looked at to its end"); });
  const auto progress = makeStderrProgress(!isTerminal());
  std::vector<trace::Finding> findings;
  try {
    findings = trace::validate(file, {.progress = progress.get(), .stop = interrupt.token()});
  } catch (const Cancelled&) {
    progress->end();
    throw Cancelled("stopped; the trace was not looked at to its end");
  }
  for (const trace::Finding& finding : findings) fmt::print("{}: {}\n", finding.member, finding.problem);
  if (!findings.empty()) fail("{}: {} problem{} found", file, findings.size(), findings.size() == 1 ? "" : "s");
  fmt::print("{}: valid\n", file);
}

}  // namespace

void addValidateCommand(CLI::App& root) {
  CLI::App* command = root.add_subcommand("validate", "check that a trace is whole and consistent");
  auto file = std::make_shared<std::string>();
  command->add_option("file", *file, "Trace file")->required();
  command->callback([file] { validateTrace(*file); });
}

}  // namespace kvatlas::app
