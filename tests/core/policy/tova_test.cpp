// TOVA keeps what the last query looks at, averaged over all heads of a layer; and `every`, which all methods have.
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/policy/parameters.h"
#include "core/policy/policy.h"

namespace kvatlas::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Shape kShape{.layers = 1, .query_heads = 2, .kv_heads = 1, .tokens = 6};

Decision decideOn(const std::vector<float>& rows, Granularity granularity) {
  LayerSignals signals;
  signals[Signal::WindowRows] = rows;
  const Setting setting = makeSetting(parseMethod("tova"), kShape, parseBudget("3"), granularity, Preset::Exact, 2);
  return decide(findMethod("tova"), setting, std::span(&signals, 1));
}

TEST(Tova, KeepsTheLastTokenAndTheBestOfTheLastQueryOfAllHeads) {
  // [2 heads, 2 queries, 6]: the first query of each head would choose otherwise, and so would each head alone.
  const std::vector<float> rows = {.9F, .1F, 0, 0, 0, 0, .4F, 0,   .3F,  .3F, 0, 0,
                                   .9F, .1F, 0, 0, 0, 0, 0,   .4F, .25F, .3F, 0, .05F};
  // Means of the last queries: .2, .2, .275, .3, 0.
  for (const Granularity granularity : {Granularity::KvHead, Granularity::QueryHead}) {
    const Decision decision = decideOn(rows, granularity);
    for (std::uint32_t head = 0; head < decision.heads; ++head)
      EXPECT_THAT(decision.kept(LayerIndex(0), head), ElementsAre(2, 3, 5));
  }
}

TEST(Tova, TiesGoToTheLowestPosition) {
  const std::vector<float> rows(24, .25F);
  EXPECT_THAT(decideOn(rows, Granularity::KvHead).kept(LayerIndex(0), 0), ElementsAre(0, 1, 5));
}

Setting settingOf(const char* method) {
  return makeSetting(parseMethod(method), {2, 4, 2, 100}, parseBudget("20"), Granularity::KvHead, Preset::Exact, 8);
}

TEST(Every, IsAParameterOfEveryMethodThatEvicts) {
  for (const Method& method : methods()) {
    const std::string text = std::string(method.name) + ":every=4";
    if (method.keeps_everything) {
      EXPECT_THROW((void)parseMethod(text), UsageError);
      continue;
    }
    if (findParameter(method, "heads") != nullptr) continue;  // has no default table
    if (everyObstacle(method).empty())
      EXPECT_EQ(everyOf(settingOf(text.c_str()).parameters), 4U) << text;
    else
      EXPECT_THROW((void)settingOf(text.c_str()), UsageError) << text;
    EXPECT_EQ(everyOf(settingOf(std::string(method.name).c_str()).parameters), method.name == "cam" ? 1U : 0U);
  }
  EXPECT_FALSE(settingOf("snapkv").parameters.contains("every")) << "traces of runs without it stay as they are";
  for (const char* wrong : {"h2o:every=-1", "h2o:every=x", "h2o:every=1000001", "h2o:every="})
    EXPECT_THROW((void)parseMethod(wrong), UsageError) << wrong;
}

TEST(Every, NeedsSignalsThatCanBeKeptUp) {
  Method method = findMethod("h2o");
  method.name = "queries";
  method.needs = {Signal::Expected};
  const MethodRequest request{.method = &method, .given = {{"every", "1"}}};
  try {
    (void)makeSetting(request, {2, 4, 2, 100}, parseBudget("20"), Granularity::KvHead, Preset::Exact, 8);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'expected' is known for the prompt only"));
  }
}

}  // namespace
}  // namespace kvatlas::policy
