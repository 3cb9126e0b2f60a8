// One line of results: a record survives the round trip in a fixed format; anything else is refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/sample_results.h"

namespace kvatlas::results {
namespace {

using test::complaint;
using test::recordsOf;
using test::sampleValues;
using testing::AllOf;
using testing::HasSubstr;

Record sample() {
  const Settings settings(sampleValues());
  return recordsOf(settings, settings.allCases()[3]).at(2);
}

Record parse(std::string_view line, const std::string& where) {
  return parseRecord(line, Settings(sampleValues()).plan().facets, where);
}

TEST(Record, SurvivesPrintingAndParsing) {
  Record record = sample();
  record.seconds = 0.1 + 0.2;
  record.answer = "quote \" backslash \\ newline \n tab \t unit \x01 é 🦉";
  EXPECT_EQ(parse(printRecord(record), "here"), record);
  EXPECT_EQ(printRecord(record).find('\n'), std::string::npos);
}

TEST(Record, KeysAndNumbersHaveAFixedFormat) {
  Record record = sample();
  EXPECT_EQ(
      printRecord(record),
      R"({"case_id":"L128-D0-words-t1","prompt_sha256":"0123abcd","length":128,"tokens":127,"depth":0.0,"trial":1,)"
      R"("kind":"words","method":"h2o","label":"h2o","budget":"20%","budget_nominal":32.0,"kept":32.0,)"
      R"("question":"What is the secret number of Emma?","expected":"48213","answer":"I don't know\n\"née\"",)"
      R"("details":{"cache_bytes":32000},"score":0.0,"scores":{"exact":0.0,"rouge1_f":0.3333333333333333,"substring":0.0,"word_overlap":0.1},)"
      R"("prefill_seconds":0.25,"seconds":0.5})");
}

TEST(Record, BytesThatAreNoUtf8AreReplaced) {
  Record record = sample();
  record.answer = "half a letter \xC3";
  EXPECT_EQ(parse(printRecord(record), "here").answer, "half a letter \xEF\xBF\xBD");
}

TEST(Record, WithoutTimesClearsOnlyTheTimes) {
  Record record = sample(), slower = record;
  slower.seconds = 9;
  slower.prefill_seconds = 8;
  EXPECT_NE(record, slower);
  EXPECT_EQ(withoutTimes(record), withoutTimes(slower));
  slower.answer = "other";
  EXPECT_NE(withoutTimes(record), withoutTimes(slower));
}

TEST(Record, NonFiniteNumbersAreRefused) {
  Record record = sample();
  record.score = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(complaint([&] { (void)printRecord(record); }), AllOf(HasSubstr("L128-D0-words-t1"), HasSubstr("score")));
}

TEST(Record, OversizedAnswersAreRefused) {
  Record record = sample();
  record.answer.assign(2 << 20, 'a');
  EXPECT_THAT(complaint([&] { (void)printRecord(record); }), HasSubstr("bytes"));
}

struct Damage {
  const char* before;
  const char* now;
  const char* complaint;
};

TEST(Record, EveryKindOfDamageIsNamed) {
  const std::string line = printRecord(sample());
  const std::vector<Damage> damages{{R"("length":128)", R"("length":-1)", "field 'length'"},
                                    {R"("length":128)", R"("length":"128")", "field 'length'"},
                                    {R"("length":128)", R"("length":1e300)", "field 'length'"},
                                    {R"("length":128)", R"("length":99999999999999999999999)", "field 'length'"},
                                    {R"("depth":0.0)", R"("depth":100.5)", "field 'depth'"},
                                    {R"("trial":1)", R"("trial":4294967296)", "field 'trial'"},
                                    {R"("score":0.0)", R"("score":1.5)", "field 'score'"},
                                    {R"("score":0.0)", R"("score":null)", "field 'score'"},
                                    {R"("answer":)", R"("reply":)", "field 'answer'"},
                                    {R"("expected":"48213")", R"("expected":[1,2])", "field 'expected'"},
                                    {R"("exact":0.0)", R"("exact":"yes")", "field 'scores.exact'"},
                                    {R"("scores":{)", R"("scores":3,"x":{)", "field 'scores'"},
                                    {R"("kept":32.0)", R"("kept":-3)", "field 'kept'"},
                                    {R"("seconds":0.5)", R"("seconds":-1)", "field 'seconds'"},
                                    {R"({"case_id")", R"(["case_id")", "not valid JSON"}};
  for (const Damage& damage : damages) {
    std::string damaged = line;
    const std::size_t at = damaged.rfind(damage.before);
    ASSERT_NE(at, std::string::npos) << damage.before;
    damaged.replace(at, std::string(damage.before).size(), damage.now);
    EXPECT_THAT(complaint([&] { (void)parse(damaged, "results.jsonl:7"); }),
                AllOf(HasSubstr("results.jsonl:7"), HasSubstr(damage.complaint)))
        << damage.now;
  }
}

TEST(Record, HostileLinesEndInOneSentence) {
  const std::string deep = std::string(500'000, '[') + std::string(500'000, ']');
  EXPECT_THAT(complaint([&] { (void)parse(deep, "f:1"); }), AllOf(HasSubstr("f:1"), HasSubstr("nested")));
  const std::string objects = std::string(R"({"a":)") + std::string(400'000, '[');
  for (const std::string& line : {objects, std::string(), std::string("null"), std::string("{}"), std::string("\0", 1),
                                  std::string("{\"case_id\":\"\xFF\"}"), std::string("12")})
    EXPECT_THAT(complaint([&] { (void)parse(line, "f:1"); }), HasSubstr("f:1"));
}

}  // namespace
}  // namespace kvatlas::results
