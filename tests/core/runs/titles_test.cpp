// Labels and titles, letter for letter.
#include "core/runs/titles.h"

#include <gtest/gtest.h>

namespace kvatlas::runs {
namespace {

constexpr policy::Shape kShape{4, 8, 2, 1000};

RunSetting run(const std::string& method, const std::string& budget) {
  return makeRunSetting(policy::parseMethod(method), policy::parseBudget(budget), kShape, {});
}

TEST(Labels, NameTheMethodItsGivenParametersAndTheBudget) {
  EXPECT_EQ(labelOf(run("snapkv", "128")), "snapkv 128");
  EXPECT_EQ(labelOf(run("snapkv:pooling=avg,kernel=5", "20%")), "snapkv:kernel=5,pooling=avg 20%");
  EXPECT_EQ(labelOf(run("snapkv:kernel=7", "full")), "snapkv:kernel=7 full") << "also where it is the default";
  EXPECT_EQ(labelOf(run("full", "full")), "full");
  EXPECT_EQ(labelOf(run("full", "128")), "full");
}

TEST(Labels, OfTheMethodAloneAreReadBack) {
  for (const std::string text : {"full", "h2o", "snapkv:kernel=5,pooling=avg", "pyramidkv:beta=3.5"})
    EXPECT_EQ(methodLabel(policy::parseMethod(text)), text);
}

TEST(Labels, SelectOneMethodAtOneBudget) {
  EXPECT_EQ(selectorOf("snapkv", "128"), "snapkv@128");
}

TEST(Titles, AreThoseOfTheMethodTable) {
  EXPECT_EQ(titleOf(run("pyramidkv", "10%")), "PyramidKV 10%");
  EXPECT_EQ(titleOf(run("full", "full")), "Full cache");
  EXPECT_EQ(titleOf(run("full", "128")), "Full cache 128") << "a second full run of a synthetic trace";
  EXPECT_EQ(methodTitle("streamingllm"), "StreamingLLM");
  EXPECT_EQ(methodTitle("of another build"), "of another build");
}

TEST(Titles, OfLabelsSayWhatTheLabelAdds) {
  EXPECT_EQ(labelTitle("snapkv", "snapkv"), "SnapKV");
  EXPECT_EQ(labelTitle("snapkv", ""), "SnapKV");
  EXPECT_EQ(labelTitle("snapkv", "snapkv:kernel=5"), "SnapKV (kernel=5)");
  EXPECT_EQ(labelTitle("snapkv", "mine"), "SnapKV (mine)");
}

}  // namespace
}  // namespace kvatlas::runs
