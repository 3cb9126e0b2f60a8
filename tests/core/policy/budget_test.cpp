// Parsing budgets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/policy/policy.h"

namespace kvatlas::policy {
namespace {

using testing::HasSubstr;

std::string messageOf(std::string_view text) {
  try {
    (void)parseBudget(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Budget, CountsTokens) {
  EXPECT_EQ(parseBudget("128").tokensFor(4000), 128U);
  EXPECT_EQ(parseBudget("128").text, "128");
  EXPECT_EQ(parseBudget("18446744073709551615").tokensFor(10), 18446744073709551615U);
}

TEST(Budget, RoundsPercentHalfUp) {
  EXPECT_EQ(parseBudget("20%").tokensFor(4000), 800U);
  EXPECT_EQ(parseBudget("12.5%").tokensFor(4), 1U);     // 0.5
  EXPECT_EQ(parseBudget("12.5%").tokensFor(12), 2U);    // 1.5
  EXPECT_EQ(parseBudget("12.5%").tokensFor(11), 1U);    // 1.375
  EXPECT_EQ(parseBudget("0.1%").tokensFor(500), 1U);    // 0.5, not representable in binary
  EXPECT_EQ(parseBudget("0.7%").tokensFor(1500), 11U);  // 10.5
  EXPECT_EQ(parseBudget("0.7%").tokensFor(1499), 10U);
  EXPECT_EQ(parseBudget("100%").tokensFor(4294967295U), 4294967295U);
}

// Every tenth of a percent at every length: integers decide which values round up.
TEST(Budget, RoundsEveryTenthOfAPercentExactly) {
  for (unsigned tenths = 1; tenths <= 1000; tenths += 3) {
    const Budget budget = parseBudget(std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "%");
    for (std::uint32_t tokens = 1; tokens < 2200; tokens += 7)
      ASSERT_EQ(budget.tokensFor(tokens), (std::uint64_t{tokens} * tenths + 500) / 1000)
          << budget.text << " of " << tokens;
  }
}

TEST(Budget, FullMeansTheWholePrompt) {
  EXPECT_TRUE(parseBudget("full").full);
  EXPECT_EQ(parseBudget("full").tokensFor(77), 77U);
}

TEST(Budget, RefusesInvalidText) {
  for (const char* text : {"0", "0%", "0.0000001%", "00", "-5", "-5%", "-0%"}) {
    EXPECT_THAT(messageOf(text), HasSubstr("must be above 0")) << text;
    EXPECT_THAT(messageOf(text), HasSubstr(text));
  }
  for (const char* text : {"", "x", "12x", "1e3", "+5", " 5", "5 ", "12.5", "Full", "0x10", "nan", "inf", "٣"})
    EXPECT_THAT(messageOf(text), HasSubstr("not a number of tokens")) << text;
  for (const char* text : {"%", "x%", "nan%", "inf%", "1e1%", "+5%", " 5%", "5 %", ".5%", "20%%"})
    EXPECT_THAT(messageOf(text), HasSubstr("not a percentage")) << text;
  EXPECT_THAT(messageOf("100.5%"), HasSubstr("above 100 %"));
  EXPECT_THAT(messageOf("1000000000000000000000%"), HasSubstr("above 100 %"));
  EXPECT_THAT(messageOf("18446744073709551616"), HasSubstr("too large"));
}

}  // namespace
}  // namespace kvatlas::policy
