// What a failed comparison on someone else's device says and leaves behind.
#include "tests/kernels/cuda/cuda_failure.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include "tests/support/scratch_folder.h"

namespace kvatlas::kernels {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(CudaFailure, NamesTheFirstValuesThatDiffer) {
  EXPECT_TRUE(matches({1, 2}, {1, 2.00001F}, 1, 1e-4));
  const auto one = matches({1, 2, NAN}, {1, 3, 4}, 1, 1e-4);
  EXPECT_FALSE(one);
  EXPECT_THAT(one.message(), AllOf(HasSubstr("2 of 3 values"), HasSubstr("[1] is 2, expected 3"),
                                   HasSubstr("[2] is nan, expected 4"), Not(HasSubstr("[0]"))));
  EXPECT_FALSE(matches({1}, {1, 2}, 1, 1));
}

TEST(CudaFailure, DumpsInputsAndShapeWhereTheKitAsksForThem) {
  const test::ScratchFolder folder;
  const ProbeCase c{.shape = {.query_heads = 2, .kv_heads = 1, .tokens = 3, .head_dim = 1},
                    .query = {1, 2, 3, 4, 5, 6},
                    .key = {7, 8, 9}};
  const std::string description = describe(c, kKvatlasF32, kKvatlasProbePlain, false);
  EXPECT_THAT(description, AllOf(HasSubstr("2 query heads over 1"), HasSubstr("3 tokens"), HasSubstr("lse computed")));
  dumpInputs(c, description);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "nobody asked";
  ::setenv("KVATLAS_DUMPS", folder.path().c_str(), 1);
  dumpInputs(c, description);
  ::unsetenv("KVATLAS_DUMPS");
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "case-0.f32"), 9 * sizeof(float));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "case-0.txt"));
}

}  // namespace
}  // namespace kvatlas::kernels
