#include "views/models/document/token_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace kvatlas::views {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The length of the valid UTF-8 character at the start; 0: none.
std::size_t characterLength(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second > 0x9F;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool outside = (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return tail(1) && tail(2) && tail(3) && !outside ? 4 : 0;
  }
  return 0;
}

std::string visibleByte(char byte) {
  switch (byte) {
    case '\n':
      return "↵";
    case '\t':
      return "⇥";
    default:
      return fmt::format("⟨{:02X}⟩", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  }
}

std::optional<TokenIndex> positionIn(std::string_view query, std::size_t tokens) {
  TokenIndex position = 0;
  const char* end = query.data() + query.size();
  const auto [rest, code] = std::from_chars(query.data(), end, position);
  if (query.empty() || code != std::errc() || rest != end || position >= tokens) return std::nullopt;
  return position;
}

// Tokens that contain the bytes [begin, end) of the text.
TokenMatch tokensOf(const std::vector<std::uint64_t>& offsets, std::uint64_t begin, std::uint64_t end) {
  const auto first = std::upper_bound(offsets.begin(), offsets.end(), begin) - 1;
  const auto last = std::lower_bound(offsets.begin(), offsets.end(), end);
  return {TokenMatch::Text, static_cast<TokenIndex>(first - offsets.begin()),
          static_cast<TokenIndex>(last - offsets.begin())};
}

void findText(const trace::Prompt& prompt, const std::string& query, std::size_t most,
              std::vector<TokenMatch>& matches) {
  const std::string text = lower(prompt.text);
  for (std::size_t at = text.find(query); at != std::string::npos && matches.size() < most;
       at = text.find(query, at + query.size())) {
    const TokenMatch match = tokensOf(prompt.offsets, at, at + query.size());
    if (match.begin < match.end && match.end <= prompt.ids.size()) matches.push_back(match);
  }
}

}  // namespace

std::string_view tokenBytes(const trace::Prompt& prompt, TokenIndex position) {
  if (std::size_t{position} + 1 >= prompt.offsets.size()) return {};
  const std::uint64_t begin = prompt.offsets[position], end = prompt.offsets[position + 1];
  if (begin > end || end > prompt.text.size()) return {};
  return std::string_view(prompt.text).substr(begin, end - begin);
}

std::string visibleText(std::string_view bytes) {
  std::string out;
  for (bool first = true; !bytes.empty(); first = false) {
    const std::size_t length = characterLength(bytes);
    const auto byte = static_cast<unsigned char>(bytes[0]);
    if (first && byte == ' ') {
      out += "·";
    } else if (length == 0 || byte < 0x20 || byte == 0x7F) {
      out += visibleByte(bytes[0]);
    } else {
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(std::max<std::size_t>(1, length));
  }
  return out;
}

std::string tokenText(const trace::Prompt& prompt, TokenIndex position) {
  if (position >= prompt.ids.size()) return {};
  if (prompt.text.empty()) return fmt::format("#{}", prompt.ids[position]);
  return visibleText(tokenBytes(prompt, position));
}

std::string spansAt(const trace::Prompt& prompt, TokenIndex position) {
  std::vector<const trace::Span*> spans;
  for (const trace::Span& span : prompt.spans)
    if (position >= span.begin && position < span.end) spans.push_back(&span);
  std::stable_sort(spans.begin(), spans.end(),
                   [](const auto* a, const auto* b) { return a->end - a->begin < b->end - b->begin; });
  std::string names;
  for (const trace::Span* span : spans) names += (names.empty() ? "" : ", ") + span->name;
  return names;
}

std::vector<TokenMatch> findTokens(const trace::Prompt& prompt, std::string_view query, std::size_t most) {
  std::vector<TokenMatch> matches;
  const std::string wanted = lower(query);
  if (wanted.empty()) return matches;
  if (const auto position = positionIn(query, prompt.ids.size()))
    matches.push_back({TokenMatch::Position, *position, *position + 1});
  for (const trace::Span& span : prompt.spans)
    if (span.begin < span.end && lower(span.name).find(wanted) != std::string::npos)
      matches.push_back({TokenMatch::SpanName, span.begin, span.end});
  findText(prompt, wanted, most, matches);
  std::stable_sort(matches.begin(), matches.end(),
                   [](const TokenMatch& a, const TokenMatch& b) { return a.begin < b.begin; });
  if (matches.size() > most) matches.resize(most);
  return matches;
}

}  // namespace kvatlas::views
