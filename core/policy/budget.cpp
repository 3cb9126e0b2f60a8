// Parses budgets: tokens, percent of the prompt, or full.
#include <charconv>
#include <cmath>

#include "core/base/error.h"
#include "core/policy/policy.h"

namespace kvatlas::policy {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

// Millionths of a percent: 12.5 % has no rounding error that could flip a half.
std::uint64_t microPercent(double percent) {
  return static_cast<std::uint64_t>(std::llround(percent * 1e6));
}

bool startsWithDigit(std::string_view text) {
  return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

Budget parsePercent(std::string_view text) {
  const std::string_view number = text.substr(0, text.size() - 1);
  Budget budget{.text = std::string(text)};
  const char* end = number.data() + number.size();
  const auto [rest, code] = std::from_chars(number.data(), end, budget.percent, std::chars_format::fixed);
  if (number.starts_with('-')) failUsage("budget '{}': must be above 0 %", text);
  if (!startsWithDigit(number) || code != std::errc() || rest != end)
    failUsage("budget '{}': not a percentage like 20% or 12.5%", text);
  if (budget.percent > 100) failUsage("budget '{}': cannot be above 100 %", text);
  if (microPercent(budget.percent) == 0) failUsage("budget '{}': must be above 0 %", text);
  return budget;
}

}  // namespace

std::uint64_t Budget::tokensFor(std::uint32_t prompt_tokens) const {
  if (full) return prompt_tokens;
  if (percent < 0) return count;
  return (std::uint64_t{prompt_tokens} * microPercent(percent) + 50 * kMillion) / (100 * kMillion);
}

Budget parseBudget(std::string_view text) {
  if (text == "full") return Budget{.text = "full", .full = true};
  if (text.ends_with('%')) return parsePercent(text);
  Budget budget{.text = std::string(text)};
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, budget.count);
  if (startsWithDigit(text) && code == std::errc::result_out_of_range && rest == end)
    failUsage("budget '{}': number of tokens too large", text);
  if (text.starts_with('-')) failUsage("budget '{}': must be above 0", text);
  if (!startsWithDigit(text) || code != std::errc() || rest != end)
    failUsage("budget '{}': not a number of tokens like 128, a percentage like 20%, or full", text);
  if (budget.count == 0) failUsage("budget '{}': must be above 0", text);
  return budget;
}

}  // namespace kvatlas::policy
