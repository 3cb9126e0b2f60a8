// Patterns of tokenizer.json, matched by PCRE2; knows no tokenizer.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvatlas::text {

// A compiled pattern over valid UTF-8. The files are written for Oniguruma: ^ and $ stand for lines, \s is Unicode's
// White_Space. Immutable; may be used from several threads.
class Regex {
 public:
  // Error when the pattern cannot be compiled; `where` names file and field.
  Regex(std::string_view pattern, const std::string& where);
  // Matches these characters and nothing else.
  [[nodiscard]] static Regex literal(std::string_view text, const std::string& where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

 private:
  friend class Matcher;
  Regex();
  struct Impl;
  std::unique_ptr<const Impl> m_impl;
};

// What matching needs besides the pattern; one per thread and pattern, for any number of texts. The Regex must outlive
// it.
class Matcher {
 public:
  using Range = std::pair<std::size_t, std::size_t>;  // bytes [first, second)

  explicit Matcher(const Regex& regex);
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  // All matches from left to right without overlap, in `matches`; an empty one never right behind another.
  // Error when PCRE2 gives up (its limits on backtracking).
  void findAll(std::string_view text, std::vector<Range>& matches);

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace kvatlas::text
