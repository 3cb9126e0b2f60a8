// The day and time that strftime_now() tells a template.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace kvatlas::text::jinja {

struct DateTime {
  std::tm time{};
};

[[nodiscard]] DateTime localNow();
// "2026-03-31" at midnight; UsageError naming `option` for anything else.
[[nodiscard]] DateTime parseDate(std::string_view text, std::string_view option);
// Python's strftime in the C locale. Failure for a conversion that is not supported.
[[nodiscard]] std::string formatDate(const DateTime& date, std::string_view format);

}  // namespace kvatlas::text::jinja
