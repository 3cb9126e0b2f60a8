#include "app/cli/commands/validate_command.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "app/cli/interrupt.h"
#include "core/base/console.h"
#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/runs/run_header.h"
#include "core/trace/reader.h"
#include "core/trace/schema.h"

namespace kvatlas::app {
namespace {

// Progress lines go to a terminal only, not to logs.
bool isTerminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

// Checks each run's request, which core/trace stores as plain text.
void checkRunHeaders(const std::string& file, std::vector<trace::Finding>& findings) {
  const auto add = [&](std::string member, std::string problem) {
    const auto known = [&](const trace::Finding& one) { return one.member == member && one.problem == problem; };
    if (std::ranges::none_of(findings, known)) findings.push_back({std::move(member), std::move(problem)});
  };
  const trace::Reader reader(file);
  const auto& runs = reader.header().runs;
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (std::string problem = runs::headerProblem(runs[i]); !problem.empty())
      add(fmt::format("/runs/{}", trace::schema::numbered(i)), std::move(problem));
}

void validateTrace(const std::string& file) {
  const Interrupt interrupt(
      [](std::string_view) { return std::string("stopped; the trace was not checked to the end"); });
  const auto progress = makeStderrProgress(!isTerminal());
  std::vector<trace::Finding> findings;
  try {
    findings = trace::validate(file, {.progress = progress.get(), .stop = interrupt.token()});
    checkRunHeaders(file, findings);
  } catch (const Cancelled&) {
    progress->end();
    throw Cancelled("stopped; the trace was not checked to the end");
  }
  for (const trace::Finding& finding : findings) fmt::print("{}: {}\n", finding.member, printable(finding.problem));
  if (!findings.empty()) fail("{}: {} problem{} found", file, findings.size(), findings.size() == 1 ? "" : "s");
  fmt::print("{}: valid\n", file);
}

}  // namespace

void addValidateCommand(CLI::App& root) {
  CLI::App* command = root.add_subcommand("validate", "check that a trace is complete and consistent");
  auto file = std::make_shared<std::string>();
  command->add_option("file", *file, "Trace file")->required();
  command->callback([file] { validateTrace(*file); });
}

}  // namespace kvatlas::app
