#include "app/cli/validate_command.h"

#include <fmt/format.h>

#include <memory>

#include "core/base/error.h"
#include "core/trace/reader.h"

namespace kvatlas::app {
namespace {

void validateTrace(const std::string& file) {
  const auto findings = trace::validate(file);
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
