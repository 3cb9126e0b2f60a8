// Manual pages and shell completion name everything that the programme's own help names.
#include <gmock/gmock.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The long options of a help text: words that begin a line of its list.
Words optionsOfHelp(const std::string& help) {
  Words options;
  std::istringstream lines(help);
  const std::regex option(R"(^  (?:-\w,)?(--[a-z][a-z0-9-]*).*)");
  std::smatch found;
  for (std::string line; std::getline(lines, line);)
    if (std::regex_match(line, found, option)) options.push_back(found[1]);
  return options;
}

std::string withRoffMinus(const std::string& text) {
  return std::regex_replace(text, std::regex("-"), "\\-");
}

// What bash completes after these words, sorted as bash prints it; the last word is the one being typed.
std::string completed(const std::string& script, const Words& words) {
  std::string command = "bash -c 'source " + script + "; COMP_WORDS=(";
  for (const std::string& word : words) command += " \"" + word + "\"";
  command += " ); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _kvatlas 2>/dev/null; echo \"${COMPREPLY[*]}\"'";
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string out;
  for (char buffer[4096]; pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr;) out += buffer;
  if (pipe != nullptr) ::pclose(pipe);
  return out.substr(0, out.find('\n'));
}

class ReferenceTest : public ProgrammeTest {
 protected:
  std::string script(const std::string& shell) const {
    const Ended ended = run({"reference", shell});
    expectDone(ended);
    return write("script." + shell, ended.out);
  }
};

TEST_F(ReferenceTest, EveryOptionOfEveryHelpIsOnItsPage) {
  expectDone(run({"reference", "man", "--pages", folder().string()}));
  const std::vector<std::pair<std::string, Words>> commands{{"kvatlas", {}},
                                                            {"kvatlas-capture", {"capture"}},
                                                            {"kvatlas-evaluate-needle", {"evaluate", "needle"}},
                                                            {"kvatlas-export", {"export"}},
                                                            {"kvatlas-figure", {"figure"}},
                                                            {"kvatlas-tokenize", {"tokenize"}}};
  for (const auto& [page, words] : commands) {
    Words arguments = words;
    arguments.emplace_back("--help");
    const Words options = optionsOfHelp(run(arguments).out);
    EXPECT_THAT(options, Contains("--help"));
    const std::string text = contents(folder() / (page + ".1"));
    for (const std::string& option : options) EXPECT_THAT(text, HasSubstr(withRoffMinus(option))) << page;
    EXPECT_THAT(text, Not(HasSubstr("\n.\n"))) << page;
  }
  EXPECT_THAT(contents(folder() / "kvatlas-capture.1"), AllOf(HasSubstr("pyramidkv"), HasSubstr("(1 to 4096)")));
}

TEST_F(ReferenceTest, BashCompletesCommandsOptionsAndValues) {
  const std::string bash = script("bash");
  EXPECT_EQ(completed(bash, {"kvatlas", "capt"}), "capture");
  EXPECT_EQ(completed(bash, {"kvatlas", "evaluate", "ne"}), "needle");
  EXPECT_EQ(completed(bash, {"kvatlas", "capture", "--map-"}), "--map-size");
  EXPECT_EQ(completed(bash, {"kvatlas", "evaluate", "needle", "--len"}), "--lengths");
  EXPECT_EQ(completed(bash, {"kvatlas", "capture", "--method", "py"}), "pyramidkv");
  EXPECT_EQ(completed(bash, {"kvatlas", "export", "a.kva.h5", "entr"}), "entropy");
  EXPECT_EQ(completed(bash, {"kvatlas", "export", "--reduction", "m"}), "mean max");
  EXPECT_EQ(completed(bash, {"kvatlas", "figure", "heat"}), "heatmap");
  EXPECT_EQ(completed(bash, {"kvatlas", "info", "--method", "py"}), "") << "info has no --method";
}

TEST_F(ReferenceTest, ScriptsOfAllShellsNameEveryMethod) {
  for (const char* shell : {"bash", "zsh", "fish"})
    EXPECT_THAT(contents(script(shell)), AllOf(HasSubstr("streamingllm"), HasSubstr("evaluate"), HasSubstr("lengths")))
        << shell;
}

TEST_F(ReferenceTest, ItIsHiddenAndRefusesWhatItDoesNotKnow) {
  EXPECT_THAT(run({"--help"}).out, Not(HasSubstr("reference")));
  EXPECT_THAT(run({"reference", "bash"}).out, Not(HasSubstr("reference")));
  expectRefused(run({"reference", "tcsh"}), 2, {"tcsh", "bash"});
  expectRefused(run({"reference", "man", "--pages", path("missing")}), 1, {"missing"});
}

}  // namespace
}  // namespace kvatlas::app_test
