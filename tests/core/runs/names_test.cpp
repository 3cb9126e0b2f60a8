// Words of files and the command line, and what becomes of any other word.
#include "core/runs/names.h"

#include <gmock/gmock.h>

#include "core/base/error.h"

namespace kvatlas::runs {
namespace {

using testing::HasSubstr;

template <class Body>
std::string errorOf(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(RunNames, AreTheWordsOfTraces) {
  EXPECT_STREQ(granularityName(policy::Granularity::KvHead), "kv-head");
  EXPECT_STREQ(granularityName(policy::Granularity::QueryHead), "query-head");
  EXPECT_STREQ(presetName(policy::Preset::Paper), "paper");
  EXPECT_STREQ(presetName(policy::Preset::Exact), "exact");
  EXPECT_STREQ(followName(Follow::Own), "own");
  EXPECT_STREQ(followName(Follow::Full), "full");
}

TEST(RunNames, AreReadBack) {
  for (const auto& row : kGranularities) EXPECT_EQ(parseGranularity(row.name), row.value);
  for (const auto& row : kPresets) EXPECT_EQ(parsePreset(row.name), row.value);
  for (const auto& row : kFollows) EXPECT_EQ(parseFollow(row.name), row.value);
}

TEST(RunNames, OtherWordsAreErrorsThatNameThem) {
  EXPECT_THAT(errorOf([] { (void)parseGranularity("kv-heads"); }), HasSubstr("'kv-heads', did you mean 'kv-head'"));
  EXPECT_THAT(errorOf([] { (void)parsePreset("Exact!"); }), HasSubstr("preset 'Exact!'"));
  EXPECT_THAT(errorOf([] { (void)parseFollow(""); }), HasSubstr("follow ''"));
  EXPECT_THAT(errorOf([] { (void)elementBytes("fp8"); }), HasSubstr("compute type 'fp8'"));
}

TEST(CacheBytes, AreKeysAndValuesOfEveryKeptToken) {
  // Llama-3 8B, 32 layers of 8 heads, 128 tokens each, in bf16: 32 · 8 · 128 · 2 · 128 · 2 bytes.
  EXPECT_EQ(cacheBytes(32 * 8 * 128, 128, elementBytes("bf16")), 16'777'216U);
  EXPECT_EQ(cacheBytes(32 * 8 * 128, 128, elementBytes("f32")), 33'554'432U);
  EXPECT_EQ(cacheBytes(std::uint64_t{80} * 64 * 131'072, 128, 2), 343'597'383'680U) << "more than 32 bits";
}

}  // namespace
}  // namespace kvatlas::runs
