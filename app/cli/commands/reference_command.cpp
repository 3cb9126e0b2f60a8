#include "app/cli/commands/reference_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "app/cli/commands/export/export_parts.h"
#include "app/reference/reference_text.h"
#include "core/base/error.h"
#include "core/figures/figure_kinds.h"
#include "core/policy/policy.h"

namespace kvatlas::app {
namespace {

struct ReferenceArguments {
  std::string kind;
  std::filesystem::path folder;
};

// The values of options whose checks CLI11 does not know.
KnownValues knownValues() {
  KnownValues known{{"--device", {"auto", "cpu", "cuda"}},
                    {"--dtype", {"auto", "f32", "bf16", "f16"}},
                    {"--follow", {"own", "full"}},
                    {"--granularity", {"kv-head", "query-head"}},
                    {"--preset", {"paper", "kvpress"}},
                    {"--chat", {"auto", "llama2", "llama3", "mistral"}},
                    {"--as", {"probability", "logit", "log"}},
                    {"what", tracePartNames()}};
  for (const policy::Method& method : policy::methods()) known["--method"].emplace_back(method.name);
  for (const figures::FigureKind& kind : figures::figureKinds()) known["kind"].emplace_back(kind.name);
  const std::vector<std::string>& results = resultsPartNames();
  known["what"].insert(known["what"].end(), results.begin(), results.end());
  return known;
}

void writePages(const ReferenceCommand& programme, const std::filesystem::path& folder) {
  for (const ReferenceCommand* command : allCommands(programme)) {
    const std::filesystem::path file = folder / (command->name('-') + ".1");
    std::ofstream out(file, std::ios::binary);
    out << manualPage(*command);
    out.close();
    if (!out) throw Error(systemMessage(file.string(), errno));
  }
}

void runReferenceCommand(const CLI::App& root, const ReferenceArguments& arguments) {
  const ReferenceCommand programme = referenceOf(root, knownValues());
  if (!arguments.folder.empty() && arguments.kind != "man") failUsage("--pages is for manual pages: reference man");
  if (arguments.folder.empty())
    fmt::print("{}", referenceText(programme, arguments.kind));
  else
    writePages(programme, arguments.folder);
}

}  // namespace

void addReferenceCommand(CLI::App& root) {
  auto arguments = std::make_shared<ReferenceArguments>();
  CLI::App& command = *root.add_subcommand("reference", "print a manual page or a shell's completion script");
  command.group("");  // hidden: for packages
  command.add_option("kind", arguments->kind, "man, bash, zsh or fish")->required();
  command.add_option("--pages", arguments->folder, "with man: write the page of every command to this folder");
  command.callback([&root, arguments] { runReferenceCommand(root, *arguments); });
}

}  // namespace kvatlas::app
