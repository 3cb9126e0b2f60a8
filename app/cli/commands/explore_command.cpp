#include "app/cli/commands/explore_command.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.h"

namespace kvatlas::app {
namespace {

struct ExploreArguments {
  std::vector<std::string> files;
  std::string view;
};

std::filesystem::path explorer() {
  std::error_code code;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", code).parent_path() / "kvatlas-explorer";
  if (!std::filesystem::exists(path, code))
    fail("{}: not found: this build of KVAtlas has no Explorer (configured without Qt)", path.string());
  return path;
}

void runExploreCommand(const ExploreArguments& arguments) {
  std::vector<std::string> words{explorer().string()};
  if (!arguments.view.empty()) words.insert(words.end(), {"--view", arguments.view});
  if (!arguments.files.empty()) words.emplace_back("--");
  words.insert(words.end(), arguments.files.begin(), arguments.files.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(argv.front(), argv.data());
  throw Error(systemMessage(words.front(), errno));
}

}  // namespace

void addExploreCommand(CLI::App& root) {
  auto arguments = std::make_shared<ExploreArguments>();
  CLI::App& command = *root.add_subcommand("explore", "open traces or a folder of results in the Explorer's window");
  command.add_option("file", arguments->files,
                     "trace files, or a folder of results (default: the Explorer's start page)");
  command.add_option("--view", arguments->view, "the view to restore: JSON, or a file with it");
  command.callback([arguments] { runExploreCommand(*arguments); });
}

}  // namespace kvatlas::app
