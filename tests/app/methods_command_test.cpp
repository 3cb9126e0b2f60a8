// `kvatlas methods`: what it lists, and that the README's table is what it prints.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/policy/policy.h"
#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Methods : public ProgrammeTest {};

TEST_F(Methods, TheTableOfTheReadmeIsCurrent) {
  const Ended table = run({"methods", "--markdown"});
  expectDone(table);
  std::ifstream file(KVATLAS_SOURCE_DIR "/README.md");
  std::stringstream readme;
  readme << file.rdbuf();
  EXPECT_THAT(readme.str(), HasSubstr("\n" + table.out)) << "run: kvatlas methods --markdown";
}

TEST_F(Methods, JsonNamesPartsParametersAndNeeds) {
  const Ended all = run({"methods", "--json"});
  expectDone(all);
  const auto json = nlohmann::json::parse(all.out);
  EXPECT_EQ(json["methods"].size(), policy::methods().size());
  EXPECT_EQ(json["methods"][0]["name"], "full");
  for (const char* part : {"score", "values", "allocate", "select"}) EXPECT_GE(json["parts"][part].size(), 3U) << part;
  const Ended one = run({"methods", "snapkv:allocate=adaptive", "--json"});
  expectDone(one);
  const auto method = nlohmann::json::parse(one.out);
  EXPECT_EQ(method["parts"]["allocate"], "adaptive");
  EXPECT_EQ(method["needs"][0]["signal"], "window_sum");
  EXPECT_EQ(method["parameters"][0]["kvpress"], "5");
  for (const auto& each : json["methods"])
    EXPECT_EQ(each["while_decoding"], each["not_while_decoding"].is_null()) << each["name"];
}

TEST_F(Methods, OneIsDescribedAndUnknownOnesAreSuggested) {
  const Ended lag = run({"methods", "lagkv"});
  expectDone(lag);
  EXPECT_THAT(lag.out, AllOf(HasSubstr("arXiv:2504.04704"), HasSubstr("lag=128"), HasSubstr("Needs lag_score"),
                             HasSubstr("only recorded for methods that ask")));
  EXPECT_THAT(lag.out, HasSubstr("Decides again while decoding with every=K, with --granularity kv-head"));
  EXPECT_THAT(run({"methods", "h2o"}).out, HasSubstr("Decides again while decoding with every=K\n"));
  EXPECT_THAT(run({"methods", "kvzip"}).out,
              AllOf(HasSubstr("a pass of its own"),
                    HasSubstr("Does not decide again while decoding: the signal 'reconstruction'")));
  EXPECT_THAT(run({"methods", "quest"}).out, HasSubstr("nothing is evicted, and each query chooses anew"));
  EXPECT_THAT(run({"methods", "quest:evict=on"}).out, HasSubstr("Decides again while decoding"));
  const Ended wrong = run({"methods", "snapk"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'snapkv'"));
}

}  // namespace
}  // namespace kvatlas::app_test
