#include "core/text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/utf8.h"

namespace kvatlas::text {
namespace {

template <class T, void (*release)(T*)>
struct Release {
  void operator()(T* object) const { release(object); }
};
using Code = std::unique_ptr<pcre2_code, Release<pcre2_code, pcre2_code_free>>;
using CompileContext =
    std::unique_ptr<pcre2_compile_context, Release<pcre2_compile_context, pcre2_compile_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Release<pcre2_match_data, pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Release<pcre2_match_context, pcre2_match_context_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Release<pcre2_jit_stack, pcre2_jit_stack_free>>;

PCRE2_SPTR units(std::string_view text) {
  static const char kNothing = 0;  // PCRE2 10.42 takes no null pointer, not even for nothing
  return reinterpret_cast<PCRE2_SPTR>(text.data() == nullptr ? &kNothing : text.data());
}

std::string message(int code) {
  PCRE2_UCHAR text[256] = {};
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

// What an escape of Oniguruma means where PCRE2 means something else: its \s also holds U+180E, which left White_Space
// in Unicode 6.3, its \w lacks marks and connectors, its \h is no hexadecimal digit. Empty: the same, or not to be said
// inside a class.
std::string_view meaning(char escape, bool in_class) {
  switch (escape) {
    case 's':
      return R"(\p{White_Space})";
    case 'S':
      return R"(\P{White_Space})";
    case 'w':
      return in_class ? R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})" : R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}])";
    case 'W':
      return in_class ? "" : R"([^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}])";
    case 'h':
      return in_class ? "0-9A-Fa-f" : "[0-9A-Fa-f]";
    case 'H':
      return in_class ? "" : "[^0-9A-Fa-f]";
    default:
      return "";
  }
}

// The pattern for PCRE2. Error on set operations of classes ([a[bc]], &&), which PCRE2 10 does not have.
std::string translate(std::string_view pattern, const std::string& where) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const std::string_view rest = pattern.substr(i);
    if (c == '\\' && rest.size() > 1) {
      const std::string_view other = meaning(pattern[++i], in_class);
      const bool unsaid = in_class && (pattern[i] == 'W' || pattern[i] == 'H');
      if (unsaid) fail("{}: \\{} inside of [] is not supported", where, pattern[i]);
      out += other.empty() ? rest.substr(0, 2) : other;
      continue;
    }
    if (in_class && (rest.starts_with("&&") || (c == '[' && !rest.starts_with("[:")))) {
      fail("{}: sets of characters inside of [] are not supported", where);
    }
    if (in_class && rest.starts_with("[:")) {
      const std::size_t end = std::min(rest.find(":]"), rest.size() - 2) + 2;
      out += rest.substr(0, end);
      i += end - 1;
      continue;
    }
    out.push_back(c);
    if (in_class && c == ']') in_class = false;
    if (c != '[' || in_class) continue;
    in_class = true;
    for (const char first : {'^', ']'}) {  // a ] that comes first stands for itself
      if (i + 1 < pattern.size() && pattern[i + 1] == first) out.push_back(pattern[++i]);
    }
  }
  return out;
}

Code compile(std::string_view pattern, std::uint32_t options, const std::string& where) {
  const CompileContext context(pcre2_compile_context_create(nullptr));
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(pcre2_compile(units(pattern), pattern.size(), options | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error,
                          &offset, context.get()));
  if (!code) fail("{}: the pattern cannot be used: {} (at its byte {})", where, message(error), offset);
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // without JIT the interpreter serves
  return code;
}

}  // namespace

struct Regex::Impl {
  Code code;
  std::string where;
  std::string literal;  // searched for as it is, without `code`
};

Regex::Regex(std::string_view pattern, const std::string& where) {
  if (!isValidUtf8(pattern)) fail("{}: the pattern is not valid UTF-8", where);
  const std::uint32_t options = PCRE2_UCP | PCRE2_MULTILINE;
  m_impl = std::make_unique<const Impl>(Impl{compile(translate(pattern, where), options, where), where, {}});
}

Regex Regex::literal(std::string_view text, const std::string& where) {
  if (text.empty()) return Regex("", where);
  Regex result;
  result.m_impl = std::make_unique<const Impl>(Impl{nullptr, where, std::string(text)});
  return result;
}

Regex::Regex() = default;
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

struct Matcher::Impl {
  const Regex::Impl& regex;
  MatchData data;
  MatchContext context;

  void findPattern(std::string_view text, std::vector<Range>& matches);
  void findLiteral(std::string_view text, std::vector<Range>& matches) const;
};

namespace {

// One per thread for all patterns, as no match runs inside another: the system would map each anew, which takes longer
// than matching a short text.
pcre2_jit_stack* stackOfThread(void*) {
  thread_local const JitStack stack(pcre2_jit_stack_create(std::size_t{32} << 10, std::size_t{64} << 20, nullptr));
  return stack.get();  // without one, PCRE2 takes 32 KiB of the thread's own
}

}  // namespace

Matcher::Matcher(const Regex& regex) : m_impl(new Impl{*regex.m_impl, nullptr, nullptr}) {
  if (!regex.m_impl->code) return;
  m_impl->data.reset(pcre2_match_data_create_from_pattern(regex.m_impl->code.get(), nullptr));
  m_impl->context.reset(pcre2_match_context_create(nullptr));
  if (!m_impl->data || !m_impl->context) throw std::bad_alloc();
  pcre2_jit_stack_assign(m_impl->context.get(), stackOfThread, nullptr);
}

Matcher::~Matcher() = default;

void Matcher::findAll(std::string_view text, std::vector<Range>& matches) {
  matches.clear();
  if (m_impl->regex.code) {
    m_impl->findPattern(text, matches);
  } else {
    m_impl->findLiteral(text, matches);
  }
}

void Matcher::Impl::findLiteral(std::string_view text, std::vector<Range>& matches) const {
  const std::string& literal = regex.literal;
  for (std::size_t at = text.find(literal); at != text.npos; at = text.find(literal, at + literal.size())) {
    matches.emplace_back(at, at + literal.size());
  }
}

void Matcher::Impl::findPattern(std::string_view text, std::vector<Range>& matches) {
  std::size_t at = 0;
  while (at <= text.size()) {
    const int found =
        pcre2_match(regex.code.get(), units(text), text.size(), at, PCRE2_NO_UTF_CHECK, data.get(), context.get());
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0) fail("{}: matching the pattern failed: {}", regex.where, message(found));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data.get());
    const std::size_t begin = range[0], end = range[1];
    if (end < begin || end < at) fail("{}: a match of the pattern ends before it begins", regex.where);
    const bool empty = begin == end;
    if (!empty || matches.empty() || matches.back().second != begin) matches.emplace_back(begin, end);
    at = end;
    if (empty) at += end < text.size() ? utf8Length(text[end]) : 1;
  }
}

}  // namespace kvatlas::text
