// Method requests, their parameters and complete settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/policy/policy.h"

namespace kvatlas::policy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr Shape kShape{.layers = 4, .query_heads = 8, .kv_heads = 2, .tokens = 1000};

std::string messageOf(std::string_view text) {
  try {
    (void)parseMethod(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

Setting set(std::string_view method, std::string_view budget, Shape shape = kShape, std::uint32_t window = 8,
            Preset preset = Preset::Exact) {
  return makeSetting(parseMethod(method), shape, parseBudget(budget), Granularity::KvHead, preset, window);
}

std::string budgetComplaint(std::string_view method, std::string_view budget, Shape shape = kShape,
                            std::uint32_t window = 8) {
  try {
    (void)set(method, budget, shape, window);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Methods, TableStartsWithFullAndIsFoundByName) {
  ASSERT_GE(methods().size(), 5U);
  EXPECT_EQ(methods().front().name, "full");
  for (const Method& method : methods()) {
    EXPECT_EQ(&findMethod(method.name), &method);
    EXPECT_FALSE(method.title.empty());
    EXPECT_EQ(method.score == nullptr, method.reason != nullptr)
        << "what is kept without a score needs a reason of its own";
    EXPECT_NE(method.allocate, nullptr);
    EXPECT_EQ(method.select == nullptr, method.reads_pages) << "which keeps everything";
  }
}

// Every default must pass its own parser.
TEST(Methods, DefaultsAreAcceptedValues) {
  for (const Method& method : methods())
    for (const ParameterSpec& spec : method.parameters)
      for (const std::string_view value : {spec.default_value, spec.paper_value}) {
        const std::string text = std::string(method.name) + ":" + std::string(spec.name) + "=" + std::string(value);
        EXPECT_EQ(messageOf(text), "accepted") << text;
      }
}

TEST(Methods, UnknownNameSuggestsTheNearest) {
  EXPECT_THAT(messageOf("snapk"), AllOf(HasSubstr("'snapk'"), HasSubstr("did you mean 'snapkv'")));
  EXPECT_THAT(messageOf("SnapKV"), HasSubstr("did you mean 'snapkv'"));
  EXPECT_THAT(messageOf("piramidkv:beta=3"), HasSubstr("did you mean 'pyramidkv'"));
  EXPECT_THAT(messageOf("zzz"), AllOf(HasSubstr("full"), HasSubstr("h2o"), HasSubstr("streamingllm")));
  EXPECT_THAT(messageOf(""), HasSubstr("unknown method ''"));
}

TEST(Methods, ParametersAreParsed) {
  const MethodRequest request = parseMethod("snapkv:kernel=5,pooling=avg");
  EXPECT_EQ(request.method, &findMethod("snapkv"));
  EXPECT_THAT(request.given, ElementsAre(Pair("kernel", "5"), Pair("pooling", "avg")));
  EXPECT_TRUE(parseMethod("h2o").given.empty());
}

TEST(Methods, UnknownParameterSuggestsTheNearest) {
  EXPECT_THAT(messageOf("snapkv:kernl=5"), AllOf(HasSubstr("'snapkv'"), HasSubstr("'kernl'"), HasSubstr("'kernel'")));
  EXPECT_THAT(messageOf("h2o:kernel=5"), AllOf(HasSubstr("'h2o'"), HasSubstr("group")));
  EXPECT_THAT(messageOf("full:kernel=5"), HasSubstr("takes no parameters"));
}

TEST(Methods, ValuesOutOfRangeAreNamed) {
  for (const char* value : {"4", "0", "-1", "1001", "1000", "7.0", "x", "", "99999999999999999999", "7 "})
    EXPECT_THAT(
        messageOf(std::string("snapkv:kernel=") + value),
        AllOf(HasSubstr("'kernel' must be an odd number from 1 to 999"), HasSubstr("'" + std::string(value) + "'")));
  for (const char* value : {"0", "-3", "0.99", "1000.5", "nan", "inf", "x", "1e999", ""})
    EXPECT_THAT(messageOf(std::string("pyramidkv:beta=") + value), HasSubstr("'beta' must be a number from 1 to 1000"));
  EXPECT_THAT(messageOf("streamingllm:sinks=-1"),
              HasSubstr("'sinks' must be a whole number from 0 to 65536, not '-1'"));
  EXPECT_THAT(messageOf("snapkv:pooling=mx"), AllOf(HasSubstr("'mx'"), HasSubstr("'pooling'"), HasSubstr("'max'")));
  EXPECT_THAT(messageOf("snapkv:group=max|sum"), HasSubstr("'max|sum'"));
  for (const char* good :
       {"snapkv:kernel=1", "snapkv:kernel=999", "pyramidkv:beta=1", "pyramidkv:beta=2.5", "streamingllm:sinks=0"})
    EXPECT_EQ(messageOf(good), "accepted") << good;
}

TEST(Methods, MalformedListsAreRefused) {
  EXPECT_THAT(messageOf("snapkv:kernel=5,kernel=7"), HasSubstr("'kernel' is given twice"));
  EXPECT_THAT(messageOf("snapkv:kernel=5,kernel=5"), HasSubstr("'kernel' is given twice"));
  for (const char* text : {"snapkv:", "snapkv:kernel", "snapkv:=5", "snapkv:kernel=5,", "snapkv:,kernel=5"})
    EXPECT_THAT(messageOf(text), HasSubstr("key=value")) << text;
}

TEST(Settings, DefaultsFillMissingParameters) {
  EXPECT_THAT(set("pyramidkv:kernel=5", "128").parameters,
              ElementsAre(Pair("beta", "20"), Pair("group", "mean"), Pair("kernel", "5"), Pair("pooling", "max")));
  EXPECT_THAT(set("streamingllm", "128", kShape, 8, Preset::Paper).parameters, ElementsAre(Pair("sinks", "4")));
}

TEST(Settings, FullIgnoresBudgetAndWindow) {
  EXPECT_EQ(set("full", "3", kShape, 8).budget, 1000U);
  EXPECT_EQ(set("full", "full", kShape, 5000).budget, 1000U);
}

TEST(Settings, BudgetMustBeAboveTheWindow) {
  EXPECT_THAT(budgetComplaint("snapkv", "8"), AllOf(HasSubstr("'8'"), HasSubstr("window of 8")));
  EXPECT_EQ(budgetComplaint("snapkv", "9"), "accepted");
  EXPECT_THAT(budgetComplaint("h2o", "0.8%"),
              AllOf(HasSubstr("'0.8%'"), HasSubstr("8 of 1000"), HasSubstr("window of 8")));
  EXPECT_EQ(budgetComplaint("h2o", "0.9%"), "accepted");
  EXPECT_THAT(budgetComplaint("h2o", "9", kShape, 0), HasSubstr("window 0"));
  Shape tiny = kShape;
  tiny.tokens = 5;
  EXPECT_EQ(budgetComplaint("snapkv", "full", tiny), "accepted");
  EXPECT_EQ(budgetComplaint("snapkv", "100%", tiny), "accepted");
  EXPECT_THAT(budgetComplaint("snapkv", "80%", tiny), HasSubstr("window of 8"));
  EXPECT_THAT(budgetComplaint("snapkv", "6", tiny), HasSubstr("window of 8"));
  EXPECT_EQ(budgetComplaint("snapkv", "9", tiny), "accepted");
}

TEST(Settings, StreamingNeedsMoreThanItsSinks) {
  EXPECT_THAT(budgetComplaint("streamingllm:sinks=20", "20"), AllOf(HasSubstr("20 tokens"), HasSubstr("20 sinks")));
  EXPECT_EQ(budgetComplaint("streamingllm:sinks=20", "21"), "accepted");
  EXPECT_EQ(budgetComplaint("streamingllm:sinks=2000", "full"), "accepted");
}

TEST(Settings, RefusesInvalidShapes) {
  EXPECT_THROW((void)set("h2o", "20", {.layers = 0, .query_heads = 2, .kv_heads = 1, .tokens = 30}), Error);
  EXPECT_THROW((void)set("h2o", "20", {.layers = 1, .query_heads = 3, .kv_heads = 2, .tokens = 30}), Error);
  EXPECT_THROW((void)set("h2o", "20", {.layers = 1, .query_heads = 2, .kv_heads = 0, .tokens = 30}), Error);
  EXPECT_THROW((void)set("h2o", "20", {.layers = 1, .query_heads = 2, .kv_heads = 1, .tokens = 0}), UsageError);
}

TEST(Reasons, ExplainWhyAPositionIsKept) {
  const Setting scored = set("snapkv", "128");
  const Method& snapkv = findMethod("snapkv");
  EXPECT_EQ(reasonFor(snapkv, scored, 991, true), Reason::Score);
  EXPECT_EQ(reasonFor(snapkv, scored, 992, true), Reason::Window);
  EXPECT_EQ(reasonFor(snapkv, scored, 3, false), Reason::Evicted);
  const Setting streaming = set("streamingllm", "128");
  EXPECT_EQ(reasonFor(findMethod("streamingllm"), streaming, 3, true), Reason::Sink);
  EXPECT_EQ(reasonFor(findMethod("streamingllm"), streaming, 4, true), Reason::Window);
  EXPECT_EQ(reasonFor(findMethod("streamingllm"), streaming, 876, true), Reason::Window);
  EXPECT_EQ(reasonFor(findMethod("streamingllm"), streaming, 4, false), Reason::Evicted);
  for (const char* method : {"full", "streamingllm", "h2o", "snapkv", "pyramidkv"})
    EXPECT_EQ(reasonFor(findMethod(method), set(method, "1000"), 999, true), Reason::Everything) << method;
}

}  // namespace
}  // namespace kvatlas::policy
