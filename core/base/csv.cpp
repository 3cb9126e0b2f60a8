#include "core/base/csv.h"

#include "core/base/error.h"

namespace kvatlas {

std::string csvQuoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string csvCell(std::string_view text) {
  return text.find_first_of(",\"\r\n") == std::string_view::npos ? std::string(text) : csvQuoted(text);
}

std::vector<std::vector<std::string>> parseCsv(std::string_view text, const std::string& where) {
  std::vector<std::vector<std::string>> lines(1);
  bool quoted = false;
  const auto cell = [&]() -> std::string& {
    if (lines.back().empty()) lines.back().emplace_back();
    return lines.back().back();
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"' && quoted && at + 1 < text.size() && text[at + 1] == '"') {
      cell() += text[++at];
    } else if (c == '"') {
      quoted = !quoted;
      (void)cell();
    } else if (c == ',' && !quoted) {
      (void)cell();
      lines.back().emplace_back();
    } else if (c == '\n' && !quoted) {
      if (!lines.back().empty()) lines.emplace_back();
    } else if (c != '\r' || quoted) {
      cell() += c;
    }
  }
  if (quoted) fail("{}: a quote never ends", where);
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

}  // namespace kvatlas
