// The CUDA compiler's report on every kernel (stored beside the objects by the build): no spills, no serialised wgmma,
// register counts within the block size's limit.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct KernelReport {
  std::string kernel, architecture;
  int registers = -1, spill_bytes = -1;
};

struct CompilerReport {
  std::vector<KernelReport> kernels;
  int warnings = 0;  // serialised wgmma, ignored setmaxnreg
};

CompilerReport parse(std::istream& text) {
  static const std::regex entry("Compiling entry function '([^']+)' for '([^']+)'");
  static const std::regex spills("([0-9]+) bytes spill stores, ([0-9]+) bytes spill loads");
  static const std::regex registers("Used ([0-9]+) registers");
  CompilerReport report;
  std::smatch found;
  for (std::string line; std::getline(text, line);) {
    if (std::regex_search(line, found, entry)) report.kernels.push_back({found[1], found[2], -1, -1});
    if (line.find("Potential Performance Loss") != std::string::npos ||
        line.find("setmaxnreg ignored") != std::string::npos)
      ++report.warnings;
    if (report.kernels.empty()) continue;
    if (std::regex_search(line, found, spills))
      report.kernels.back().spill_bytes = std::stoi(found[1]) + std::stoi(found[2]);
    if (std::regex_search(line, found, registers)) report.kernels.back().registers = std::stoi(found[1]);
  }
  return report;
}

// The register limit per thread of the kernel: a multiprocessor's registers over its threads.
int mostRegisters(const std::string& kernel) {
  if (kernel.find("probeWgmma") != std::string::npos) return 168;  // 384 threads, later 24 and 240
  if (kernel.find("probeMma") != std::string::npos) return 255;    // 256 threads
  if (kernel.find("decodeParts") != std::string::npos)             // 128 threads, four blocks for common head sizes
    return kernel.find("DecodeShapeILi1024E") != std::string::npos ? 255 : 128;
  return 128;  // two blocks of 256 threads and more
}

TEST(CompilerReport, parsesTheReport) {
  std::istringstream text(
      "ptxas info    : Compiling entry function '_Z5firstv' for 'sm_80'\n"
      "    16 bytes stack frame, 12 bytes spill stores, 8 bytes spill loads\n"
      "ptxas info    : Used 40 registers, used 1 barriers\n"
      "ptxas info    : (C7514) Potential Performance Loss: wgmma.mma_async instructions are serialized due to x\n"
      "ptxas info    : Compiling entry function '_Z6secondv' for 'sm_90a'\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 168 registers\n");
  const CompilerReport report = parse(text);
  ASSERT_EQ(report.kernels.size(), 2U);
  EXPECT_EQ(report.kernels[0].kernel, "_Z5firstv");
  EXPECT_EQ(report.kernels[0].spill_bytes, 20);
  EXPECT_EQ(report.kernels[0].registers, 40);
  EXPECT_EQ(report.kernels[1].architecture, "sm_90a");
  EXPECT_EQ(report.kernels[1].spill_bytes, 0);
  EXPECT_EQ(report.warnings, 1);
}

TEST(CompilerReport, noKernelSpillsOrUsesTooManyRegisters) {
  std::map<std::string, int> kernels_of;  // per architecture
  int wgmma = 0;
  for (const auto& file : fs::recursive_directory_iterator(KVATLAS_CUDA_OBJECTS)) {
    if (file.path().extension() != ".ptxas") continue;
    std::ifstream text(file.path());
    const CompilerReport report = parse(text);
    EXPECT_EQ(report.warnings, 0) << file.path();
    for (const KernelReport& kernel : report.kernels) {
      EXPECT_EQ(kernel.spill_bytes, 0) << kernel.kernel << " for " << kernel.architecture;
      EXPECT_GT(kernel.registers, 0) << kernel.kernel;
      EXPECT_LE(kernel.registers, mostRegisters(kernel.kernel)) << kernel.kernel << " for " << kernel.architecture;
      ++kernels_of[kernel.architecture];
      if (kernel.architecture == "sm_90a" && kernel.kernel.find("probeWgmma") != std::string::npos) {
        // setmaxnreg only moves registers that the block was given: 384 × 168 = 128 × 24 + 256 × 240. With fewer it
        // waits forever.
        EXPECT_EQ(kernel.registers, 168) << kernel.kernel;
        ++wgmma;
      }
    }
  }
  ASSERT_FALSE(kernels_of.empty()) << "no reports in " << KVATLAS_CUDA_OBJECTS;
  for (const char* architecture : {"sm_80", "sm_90a"}) EXPECT_GT(kernels_of[architecture], 30) << architecture;
  EXPECT_EQ(wgmma, 10) << "two element types, five head sizes";
}

}  // namespace
