// Means that skip what was not measured, cells of CSV tables, and exceptions as values.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>
#include <vector>

#include "core/base/csv.h"
#include "core/base/mean.h"
#include "core/base/outcome.h"

namespace kvatlas {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(MeanOfMeasured, SkipsWhatWasNotMeasured) {
  EXPECT_DOUBLE_EQ(meanOfMeasured(std::vector<float>{1, kNan, 2, 6, kNan}), 3);
  EXPECT_TRUE(std::isnan(meanOfMeasured(std::vector<float>{kNan, kNan})));
  EXPECT_TRUE(std::isnan(meanOfMeasured(std::vector<double>{})));
  MeanOfMeasured mean;
  mean.add(std::nan(""));
  EXPECT_EQ(mean.count(), 0U);
}

// In float, 2^24 + 1 is 2^24.
TEST(MeanOfMeasured, SumsInDouble) {
  EXPECT_DOUBLE_EQ(meanOfMeasured(std::vector<float>{16777216, 1, 1}), 16777218.0 / 3);
}

TEST(Csv, QuotesCellsThatWouldBreakTheTable) {
  EXPECT_EQ(csvCell("plain text"), "plain text");
  EXPECT_EQ(csvCell(""), "");
  EXPECT_EQ(csvCell("a,b"), "\"a,b\"");
  EXPECT_EQ(csvCell("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csvCell("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(csvCell("return\r"), "\"return\r\"");
  EXPECT_EQ(csvQuoted("plain"), "\"plain\"");
  EXPECT_EQ(csvQuoted("\""), "\"\"\"\"");
}

TEST(Outcome, HoldsWhatWasThrown) {
  EXPECT_EQ(guarded([] {}).exit_code, 0);
  EXPECT_EQ(guarded([] { fail("broken"); }).exit_code, 1);
  EXPECT_EQ(guarded([] { failUsage("wrong"); }).exit_code, 2);
  EXPECT_EQ(guarded([] { throw Cancelled(); }).exit_code, 130);
  EXPECT_EQ(guarded([] { throw std::bad_alloc(); }).message, "out of memory");
  EXPECT_EQ(guarded([] { throw std::runtime_error("foreign"); }).message, "foreign");
  EXPECT_EQ(guarded([] { throw 3; }).exit_code, 1);
  EXPECT_EQ(firstLine("sentence\ntrace of a library"), "sentence");
}

}  // namespace
}  // namespace kvatlas
