// `kvatlas` with modules of another build: one sentence that names both files, and no other call into the module.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/support/scratch_folder.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;

struct ModuleCase {
  const char* name;
  const char* wrong;    // file of the wrong module
  const char* library;  // the library it replaces
  const char* command;
};

class WrongModule : public testing::TestWithParam<ModuleCase> {
 protected:
  // A copy of the programme in bin/, the module in lib/.
  WrongModule() {
    fs::create_directories(m_scratch.path() / "bin");
    fs::create_directories(m_scratch.path() / "lib");
    fs::copy_file(KVATLAS_PROGRAMME, programme());
  }
  [[nodiscard]] fs::path programme() const { return m_scratch.path() / "bin/kvatlas"; }
  [[nodiscard]] fs::path module() const { return m_scratch.path() / "lib" / GetParam().library; }

  // Returns its stderr; `status`: its exit status.
  std::string run(int& status) const {
    const std::string command = programme().string() + " " + GetParam().command + " 2>&1 >/dev/null";
    FILE* const pipe = ::popen(command.c_str(), "r");
    std::string text;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
    status = WEXITSTATUS(::pclose(pipe));
    return text;
  }

 private:
  kvatlas::test::ScratchFolder m_scratch;
};

TEST_P(WrongModule, IsRefusedByNamingBothFiles) {
  fs::copy_file(GetParam().wrong, module());
  int status = 0;
  const std::string said = run(status);
  EXPECT_EQ(status, 1) << said;
  EXPECT_EQ(said, "kvatlas: error: " + module().string() + " and " + programme().string() +
                      " come from different builds of KVAtlas: build or install both together\n");
}

INSTANTIATE_TEST_SUITE_P(Modules, WrongModule,
                         testing::Values(ModuleCase{"captureOfAnotherBuild", KVATLAS_MODULE_OTHER,
                                                    "libkvatlas_capture.so", "bench gpu"},
                                         ModuleCase{"captureOlderThanTheQuestion", KVATLAS_MODULE_OLDER,
                                                    "libkvatlas_capture.so", "bench gpu"},
                                         ModuleCase{"figuresOfAnotherBuild", KVATLAS_MODULE_OTHER,
                                                    "libkvatlas_figures.so", "figure pattern some.kva.h5 -o some.pdf"},
                                         ModuleCase{"figuresOlderThanTheQuestion", KVATLAS_MODULE_OLDER,
                                                    "libkvatlas_figures.so", "figure pattern some.kva.h5 -o some.pdf"}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace kvatlas::app_test
