#include "core/text/template/date.h"

#include <charconv>
#include <chrono>

#include "core/base/error.h"
#include "core/text/template/value.h"

namespace kvatlas::text::jinja {
namespace {

bool readField(std::string_view text, std::size_t at, std::size_t length, int& value) {
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + length, value);
  return error == std::errc() && end == begin + length && *begin != '-';
}

// One conversion in the C locale, whatever the user's environment sets.
std::string convert(const std::tm& time, const std::string& conversion) {
  static const locale_t kPlain = newlocale(LC_ALL_MASK, "C", nullptr);
  char buffer[128];
  return {buffer, strftime_l(buffer, sizeof buffer, conversion.c_str(), &time, kPlain)};
}

}  // namespace

DateTime localNow() {
  const std::time_t now = std::time(nullptr);
  DateTime date;
  localtime_r(&now, &date.time);
  return date;
}

DateTime parseDate(std::string_view text, std::string_view option) {
  int year = 0, month = 0, day = 0;
  const bool shaped = text.size() == 10 && text[4] == '-' && text[7] == '-' && readField(text, 0, 4, year) &&
                      readField(text, 5, 2, month) && readField(text, 8, 2, day);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!shaped || year < 1 || !date.ok()) failUsage("{} {}: a date as 2026-03-31 is expected", option, text);
  const std::chrono::sys_days days(date);
  DateTime result;
  result.time.tm_year = year - 1900;
  result.time.tm_mon = month - 1;
  result.time.tm_mday = day;
  result.time.tm_wday = static_cast<int>(std::chrono::weekday(days).c_encoding());
  const std::chrono::sys_days new_year(
      std::chrono::year_month_day(date.year(), std::chrono::January, std::chrono::day(1)));
  result.time.tm_yday = static_cast<int>((days - new_year).count());
  result.time.tm_isdst = -1;
  return result;
}

std::string formatDate(const DateTime& date, std::string_view format) {
  static constexpr std::string_view kKnown = "aAbBcdDeFhHIjklmMnprRStTuUVwWxXyY%";
  std::string out;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      out += format[at];
      continue;
    }
    std::string conversion = "%";
    if (at + 1 < format.size() && format[at + 1] == '-') conversion += format[++at];  // no padding
    if (at + 1 == format.size() || kKnown.find(format[at + 1]) == kKnown.npos)
      throw Failure("strftime_now: the conversion '" + conversion + std::string(format.substr(at + 1, 1)) +
                    "' is not supported");
    out += convert(date.time, conversion + format[++at]);
  }
  return out;
}

}  // namespace kvatlas::text::jinja
