// A run's setting through its header and back, and manually edited headers.
#include "core/runs/run_header.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/policy/parameters.h"
#include "core/runs/titles.h"

namespace kvatlas::runs {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr policy::Shape kShape{4, 8, 2, 1000};

// The method alone, with each of its parameters, and with all of them, some at their defaults.
std::vector<std::string> requestsOf(const policy::Method& method) {
  std::vector<std::string> texts{std::string(method.name)};
  std::string all;
  for (const policy::ParameterSpec& spec : method.parameters) {
    const std::string values(spec.kind == policy::ParameterKind::Choice ? spec.values : spec.default_value);
    const std::string last = values.substr(values.rfind('|') + 1);
    texts.push_back(fmt::format("{}:{}={}", method.name, spec.name, spec.default_value));
    texts.push_back(fmt::format("{}:{}={}", method.name, spec.name, last));
    all += fmt::format("{}{}={}", all.empty() ? ":" : ",", spec.name, last);
  }
  texts.push_back(std::string(method.name) + all);
  return texts;
}

void expectSame(const RunSetting& a, const RunSetting& b) {
  EXPECT_EQ(a.request.method->name, b.request.method->name);
  EXPECT_EQ(a.request.given, b.request.given);
  EXPECT_EQ(a.budget.text, b.budget.text);
  EXPECT_EQ(a.setting.parameters, b.setting.parameters);
  EXPECT_EQ(a.setting.granularity, b.setting.granularity);
  EXPECT_EQ(a.setting.preset, b.setting.preset);
  EXPECT_EQ(a.setting.window, b.setting.window);
  EXPECT_EQ(a.setting.budget, b.setting.budget);
  EXPECT_EQ(a.follow, b.follow);
}

void expectRoundTrip(const std::string& text, const RunOptions& options) {
  for (const char* budget : {"128", "20%", "5000", "full"}) {
    const RunSetting run = makeRunSetting(policy::parseMethod(text), policy::parseBudget(budget), kShape, options);
    const trace::RunHeader header = headerOf(run, labelOf(run));
    SCOPED_TRACE(header.label + " " + header.parameters);
    const RunSetting read = settingOf(header, kShape, 99);
    expectSame(read, run);
    const trace::RunHeader again = headerOf(read, labelOf(read));
    EXPECT_EQ(again.label, header.label);
    EXPECT_EQ(again.parameters, header.parameters);
    EXPECT_EQ(again.is_full, header.is_full);
  }
}

TEST(RunHeader, SurvivesTheRoundTripForEveryMethodPresetAndGranularity) {
  for (const policy::Method& method : policy::methods()) {
    if (policy::findParameter(method, "heads") != nullptr) continue;  // has no default table
    for (const std::string& text : requestsOf(method))
      for (const auto& preset : kPresets)
        for (const auto& granularity : kGranularities)
          for (const auto& follow : kFollows)
            expectRoundTrip(text, {granularity.value, preset.value, 16, follow.value});
  }
}

TEST(RunHeader, KeepsPartsAndExpressions) {
  for (const char* text : {"snapkv:allocate=adaptive,floor=0.1", "h2o:select=chunks,values=on",
                           "expr:received * value_norm / (1 + max(age, 3)),group=max", "snapkv:merge=pivot",
                           "keydiff:bits=2", "h2o:store=gear,rank=2", "h2o:merge=cam,every=4,spread=8"})
    expectRoundTrip(text, {policy::Granularity::KvHead, policy::Preset::Exact, 8, Follow::Own});
}

TEST(RunHeader, SaysHowOftenARunDecidesAgain) {
  for (const auto& [method, budget, every] :
       {std::tuple("h2o:every=4", "20%", 4U), {"h2o", "20%", 0U}, {"h2o:every=4", "full", 0U}, {"full", "20%", 0U}}) {
    const RunSetting run = makeRunSetting(policy::parseMethod(method), policy::parseBudget(budget), kShape,
                                          {policy::Granularity::KvHead, policy::Preset::Exact, 8, Follow::Own});
    EXPECT_EQ(headerOf(run, labelOf(run)).every, every) << method << " " << budget;
  }
  expectRoundTrip("tova:every=1", {policy::Granularity::KvHead, policy::Preset::Exact, 8, Follow::Own});
}

TEST(RunHeader, HasTheAttributesOfATrace) {
  const RunSetting run = makeRunSetting(policy::parseMethod("snapkv:kernel=5"), policy::parseBudget("20%"), kShape,
                                        {policy::Granularity::QueryHead, policy::Preset::Paper, 32, Follow::Own});
  const trace::RunHeader header = headerOf(run, labelOf(run));
  EXPECT_EQ(header.method, "snapkv");
  EXPECT_EQ(header.label, "snapkv:kernel=5 20%");
  EXPECT_EQ(header.budget, "20%");
  EXPECT_EQ(header.granularity, "query-head");
  EXPECT_EQ(header.budget_nominal, 200);
  EXPECT_EQ(header.heads, 8U);
  EXPECT_FALSE(header.is_full);
  EXPECT_EQ(header.parameters,
            R"({"follow":"own","group":"mean","kernel":"5","pooling":"max","preset":"paper","window":32})");
}

TEST(RunHeader, GivesTheFullCacheOneListPerKvHead) {
  const RunSetting run = makeRunSetting(policy::parseMethod("full"), policy::parseBudget("full"), kShape,
                                        {policy::Granularity::QueryHead, policy::Preset::Paper, 32, Follow::Full});
  const trace::RunHeader header = headerOf(run, labelOf(run));
  EXPECT_TRUE(header.is_full);
  EXPECT_EQ(header.granularity, "kv-head");
  EXPECT_EQ(header.heads, 2U);
  EXPECT_EQ(header.budget_nominal, 1000);
}

TEST(RunHeader, WithoutALabelGivesTheParametersThatDifferFromThePreset) {
  const RunSetting run =
      makeRunSetting(policy::parseMethod("snapkv:kernel=5,pooling=max"), policy::parseBudget("128"), kShape, {});
  const RunSetting read = settingOf(headerOf(run, titleOf(run)), kShape, 8);
  EXPECT_EQ(read.setting.parameters, run.setting.parameters);
  EXPECT_EQ(labelOf(read), "snapkv:kernel=5 128");
}

TEST(RunHeader, FillsOmittedParametersWithDefaults) {
  trace::RunHeader header{
      .method = "snapkv", .label = "x", .parameters = "{}", .budget = "64", .granularity = "kv-head"};
  const RunSetting run = settingOf(header, kShape, 12);
  EXPECT_EQ(run.setting.window, 12U);
  EXPECT_EQ(run.setting.preset, policy::Preset::Exact);
  EXPECT_EQ(run.setting.parameters.at("kernel"), "7");
  EXPECT_FALSE(run.follow);
  header.parameters = R"({"kernel":9,"window":4})";  // a number, as another program would write it
  EXPECT_EQ(settingOf(header, kShape, 12).setting.parameters.at("kernel"), "9");
  EXPECT_EQ(settingOf(header, kShape, 12).setting.window, 4U);
}

// The error message for a changed header.
std::string problemOf(const std::function<void(trace::RunHeader&)>& edit) {
  const RunSetting run =
      makeRunSetting(policy::parseMethod("snapkv"), policy::parseBudget("128"), kShape, {.follow = Follow::Own});
  trace::RunHeader header = headerOf(run, labelOf(run));
  edit(header);
  try {
    (void)settingOf(header, kShape, 8);
  } catch (const UsageError& error) {
    return std::string("a usage error: ") + error.what();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

void expectProblem(const std::function<void(trace::RunHeader&)>& edit, const std::string& culprit) {
  EXPECT_THAT(problemOf(edit), AllOf(HasSubstr("run 'snapkv 128': "), HasSubstr(culprit), Not(HasSubstr("\n"))));
}

TEST(EditedRunHeader, GivesOneSentenceThatNamesTheCulprit) {
  const auto parameters = [](std::string text) {
    return [text](trace::RunHeader& header) { header.parameters = text; };
  };
  EXPECT_EQ(problemOf([](trace::RunHeader&) {}), "");
  expectProblem(parameters("{\"kernel\":"), "'{\"kernel\":'");
  expectProblem(parameters(""), "not a JSON object");
  expectProblem(parameters("[1]"), "'[1]'");
  expectProblem(parameters(R"({"preset":"Paper2"})"), "unknown preset 'Paper2'");
  expectProblem(parameters(R"({"preset":null})"), "'preset'");
  expectProblem(parameters(R"({"follow":"nobody"})"), "unknown follow 'nobody'");
  expectProblem(parameters(R"({"window":-1})"), "window '-1'");
  expectProblem(parameters(R"({"window":4294967296})"), "window '4294967296'");
  expectProblem(parameters(R"({"window":"8"})"), "window '\"8\"'");
  expectProblem(parameters(R"({"window":1000})"), "window");
  expectProblem(parameters(R"({"kernel":"4"})"), "'kernel' must be an odd number");
  expectProblem(parameters(R"({"kernel":[7]})"), "'kernel'");
  expectProblem(parameters(R"({"kernal":"7"})"), "no parameter 'kernal', did you mean 'kernel'");
  expectProblem(parameters(R"({"pooling":"min"})"), "'min'");
  expectProblem([](trace::RunHeader& header) { header.granularity = "layer"; }, "granularity 'layer'");
  expectProblem([](trace::RunHeader& header) { header.method = "snapvk"; }, "'snapvk', did you mean 'snapkv'");
  expectProblem([](trace::RunHeader& header) { header.budget = "many"; }, "budget 'many'");
}

TEST(EditedRunHeader, ContradictingLabelIsIgnored) {
  const RunSetting run = makeRunSetting(policy::parseMethod("snapkv:kernel=5"), policy::parseBudget("128"), kShape, {});
  trace::RunHeader header = headerOf(run, "snapkv:kernel=9 128");
  EXPECT_EQ(settingOf(header, kShape, 8).request.given.at("kernel"), "5");
  header.label = "snapkv 128";
  EXPECT_EQ(settingOf(header, kShape, 8).request.given.at("kernel"), "5");
  header.label = "h2o 128";
  EXPECT_EQ(settingOf(header, kShape, 8).request.given.at("kernel"), "5");
}

TEST(HeaderProblem, ReportsTheParametersForAnyMethod) {
  trace::RunHeader header{.method = "of another build", .parameters = R"({"x":"y"})", .granularity = "kv-head"};
  EXPECT_EQ(headerProblem(header), "");
  header.parameters = R"({"preset":"best"})";
  EXPECT_THAT(headerProblem(header), HasSubstr("unknown preset 'best'"));
  header.parameters = "{";
  EXPECT_THAT(headerProblem(header), HasSubstr("not a JSON object: '{'"));
}

TEST(FedBy, IsTheFullRunForFollowFull) {
  trace::TraceHeader header;
  for (const char* parameters : {"{}", R"({"follow":"full"})", R"({"follow":"own"})", "no JSON"})
    header.runs.push_back({.label = "run", .parameters = parameters});
  EXPECT_EQ(fedBy(header, 0), 0U);
  EXPECT_EQ(fedBy(header, 1), 0U);
  EXPECT_EQ(fedBy(header, 2), 2U);
  EXPECT_THROW((void)fedBy(header, 3), Error);
}

TEST(Parameters, HaveUniqueNames) {
  for (const policy::Method& method : policy::methods())
    for (const policy::ParameterSpec& spec : method.parameters)
      EXPECT_THAT(std::string(spec.name), AllOf(Not("window"), Not("preset"), Not("follow"))) << method.name;
}

}  // namespace
}  // namespace kvatlas::runs
