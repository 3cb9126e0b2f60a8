// The arrows of the design: kernels <- core <- capture <- app and core <- views <- app; read from includes, link graph
// and binaries.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

// What a folder may include and link, itself included.
const std::map<std::string, std::set<std::string>> kMayKnow{
    {"kernels", {"kernels"}},
    {"core", {"core", "kernels"}},
    {"capture", {"capture", "core", "kernels"}},
    {"views", {"views", "core", "kernels"}},
    {"app", {"app", "capture", "views", "core", "kernels"}},
};

// Libraries a folder may not touch, as patterns of include names.
const std::map<std::string, std::string> kForbiddenHeaders{
    {"kernels", R"(^(torch|ATen|c10|Q[A-Z]|qcustomplot|hdf5|nlohmann|fmt|spdlog))"},
    {"core", R"(^(torch|ATen|c10|cuda|Q[A-Z]|qcustomplot))"},
    {"capture", R"(^(Q[A-Z]|qcustomplot|hdf5))"},
    {"views", R"(^(torch|ATen|c10|cuda))"},
};

const std::map<std::string, std::string> kForbiddenLibraries{{"kernels", "torch|Qt6|QCustomPlot|HDF5"},
                                                             {"core", "torch|Qt6|QCustomPlot"},
                                                             {"capture", "Qt6|QCustomPlot"},
                                                             {"views", "torch"}};

Strings includesOf(const fs::path& file) {
  std::ifstream in(file);
  const std::regex include(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"])re");
  Strings names;
  std::smatch match;
  for (std::string line; std::getline(in, line);)
    if (std::regex_search(line, match, include)) names.push_back(match[1]);
  return names;
}

std::string firstPart(const std::string& path) {
  return path.substr(0, path.find('/'));
}

Strings backwardIncludes(const std::string& folder) {
  Strings wrong;
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(KVATLAS_SOURCE_DIR) / folder)) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp" && extension != ".cu" && extension != ".cuh") continue;
    ++files;
    for (const std::string& name : includesOf(entry.path())) {
      const std::string top = firstPart(name);
      const bool ours = kMayKnow.contains(top) && name.find('/') != std::string::npos;
      const auto forbidden = kForbiddenHeaders.find(folder);
      const bool backward = ours && !kMayKnow.at(folder).contains(top);
      const bool foreign =
          forbidden != kForbiddenHeaders.end() && std::regex_search(name, std::regex(forbidden->second));
      if (backward || foreign) wrong.push_back(entry.path().string() + " includes " + name);
    }
  }
  EXPECT_GT(files, 0U) << folder;
  return wrong;
}

class Includes : public testing::TestWithParam<std::string> {};
TEST_P(Includes, PointOneWay) {
  EXPECT_EQ(backwardIncludes(GetParam()), Strings{});
}
INSTANTIATE_TEST_SUITE_P(Arrows, Includes, testing::Values("kernels", "core", "capture", "views", "app"),
                         [](const auto& test) { return test.param; });

// Every file of the project that a file includes, and those that they include.
void addReached(const std::string& file, std::set<std::string>& reached) {
  for (const std::string& name : includesOf(fs::path(KVATLAS_SOURCE_DIR) / file))
    if (kMayKnow.contains(firstPart(name)) && fs::exists(fs::path(KVATLAS_SOURCE_DIR) / name) &&
        reached.insert(name).second)
      addReached(name, reached);
}

// Plots draw what they are given: which trace is open and what is selected is the pages' business.
TEST(Arrows, PlotsKnowNeitherDocumentNorSelection) {
  Strings wrong;
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(KVATLAS_SOURCE_DIR) / "views/plots")) {
    if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
    ++files;
    std::set<std::string> reached;
    addReached(fs::relative(entry.path(), KVATLAS_SOURCE_DIR).string(), reached);
    for (const char* name : {"document", "selection", "reading_thread"})
      if (reached.contains("views/models/document/" + std::string(name) + ".h"))
        wrong.push_back(entry.path().string() + " reaches " + name + ".h");
  }
  EXPECT_GT(files, 0U);
  EXPECT_EQ(wrong, Strings{});
}

struct Target {
  std::string folder;
  Strings links;
};

std::map<std::string, Target> linkGraph() {
  std::ifstream in(fs::path(KVATLAS_BINARY_DIR) / "link_graph.txt");
  std::map<std::string, Target> targets;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string folder, name;
    words >> folder >> name;
    Target& target = targets[name];
    target.folder = firstPart(folder);
    for (std::string link; words >> link;) target.links.push_back(link);
  }
  return targets;
}

TEST(Arrows, LinkGraphPointsOneWay) {
  const auto targets = linkGraph();
  ASSERT_TRUE(targets.contains("kvatlas_kernels")) << "link_graph.txt is missing or empty";
  Strings wrong;
  for (const auto& [name, target] : targets) {
    if (!kMayKnow.contains(target.folder)) continue;
    for (const std::string& link : target.links) {
      const auto known = targets.find(link);
      const bool backward = known != targets.end() && !kMayKnow.at(target.folder).contains(known->second.folder);
      const auto forbidden = kForbiddenLibraries.find(target.folder);
      const bool foreign =
          forbidden != kForbiddenLibraries.end() && std::regex_search(link, std::regex(forbidden->second));
      if (backward || foreign) wrong.push_back(name + " links " + link);
    }
  }
  EXPECT_EQ(wrong, Strings{});
}

TEST(Arrows, LinkGraphHasNoCycle) {
  const auto targets = linkGraph();
  std::set<std::string> done, open;
  Strings cycles;
  const auto visit = [&](const auto& self, const std::string& name) -> void {
    if (done.contains(name) || !targets.contains(name)) return;
    if (!open.insert(name).second) return cycles.push_back(name);
    for (const std::string& link : targets.at(name).links) self(self, link);
    open.erase(name);
    done.insert(name);
  };
  for (const auto& [name, target] : targets) visit(visit, name);
  EXPECT_EQ(cycles, Strings{});
}

std::string outputOf(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), got);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

// Everything the loader would bring in with a binary, by name.
void expectNeedsNone(const fs::path& binary, const std::string& pattern) {
  if (!fs::exists(binary)) return;  // built without that part
  const std::string needed = outputOf("ldd " + binary.string());
  EXPECT_FALSE(std::regex_search(needed, std::regex(pattern))) << binary << " needs\n" << needed;
}

TEST(Arrows, TheCommandLineLinksNeitherLibtorchNorQt) {
  const fs::path kvatlas = fs::path(KVATLAS_BINARY_DIR) / "bin/kvatlas";
  ASSERT_TRUE(fs::exists(kvatlas));
  expectNeedsNone(kvatlas, "libtorch|libc10|libQt6|libcuda");
  expectNeedsNone(fs::path(KVATLAS_BINARY_DIR) / "lib/libkvatlas_figures.so", "libtorch|libc10|libcuda");
  expectNeedsNone(fs::path(KVATLAS_BINARY_DIR) / "lib/libkvatlas_capture.so", "libQt6|libtorch_cuda");
}

TEST(Arrows, TheExplorerLinksNeitherLibtorchNorCuda) {
  const fs::path explorer = fs::path(KVATLAS_BINARY_DIR) / "bin/kvatlas-explorer";
  if (!fs::exists(explorer)) GTEST_SKIP() << "built without Qt";
  expectNeedsNone(explorer, "libtorch|libc10|libcuda");
}

}  // namespace
