// A CUDA library of another build is refused with an error that names both files.
#include "kernels/cuda/cuda_loader.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace kvatlas::kernels {
namespace {

TEST(CudaLoader, refusesALibraryOfAnotherBuild) {
  std::string reason;
  EXPECT_EQ(openCudaLibrary(reason), nullptr);
  const std::string programme = std::filesystem::canonical("/proc/self/exe").string();
  const std::string library = (std::filesystem::path(programme).parent_path() / "libkvatlas_cuda.so").string();
  ASSERT_TRUE(std::filesystem::exists(library));
  EXPECT_EQ(reason,
            library + " and " + programme + " come from different builds of KVAtlas: build or install both together");
}

}  // namespace
}  // namespace kvatlas::kernels
