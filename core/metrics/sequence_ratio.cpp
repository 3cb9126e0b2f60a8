#include "core/metrics/sequence_ratio.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/base/error.h"
#include "core/base/utf8.h"

namespace kvatlas::metrics {
namespace {

// Some seconds in either matcher; ROUGE-L has a like limit.
constexpr std::size_t kMostPairs = std::size_t{1} << 32;

using Characters = std::vector<std::uint32_t>;

Characters charactersOf(std::string_view text) {
  Characters characters;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Unit unit = readUtf8(text.substr(at));
    characters.push_back(unit.code_point);
    at += unit.length;
  }
  return characters;
}

// Ratcliff and Obershelp's matching blocks with difflib's rule that in a text of 200 characters or more those that make
// up over 1 % begin no match.
class Matching {
 public:
  Matching(const Characters& a, const Characters& b) : m_a(a), m_b(b), m_before(b.size() + 1), m_now(b.size() + 1) {
    for (std::size_t j = 0; j < b.size(); ++j) m_places[b[j]].push_back(j);
    constexpr std::size_t kLong = 200;
    if (b.size() >= kLong)
      std::erase_if(m_places, [&](const auto& place) { return place.second.size() > b.size() / 100 + 1; });
  }

  [[nodiscard]] std::size_t matched() {
    std::size_t sum = 0;
    std::vector<std::array<std::size_t, 4>> open{{0, m_a.size(), 0, m_b.size()}};
    while (!open.empty()) {
      const auto [a_low, a_high, b_low, b_high] = open.back();
      open.pop_back();
      const Block block = longest(a_low, a_high, b_low, b_high);
      if (block.size == 0) continue;
      sum += block.size;
      if (a_low < block.a && b_low < block.b) open.push_back({a_low, block.a, b_low, block.b});
      if (block.a + block.size < a_high && block.b + block.size < b_high)
        open.push_back({block.a + block.size, a_high, block.b + block.size, b_high});
    }
    return sum;
  }

 private:
  struct Block {
    std::size_t a = 0, b = 0, size = 0;
  };

  [[nodiscard]] Block longest(std::size_t a_low, std::size_t a_high, std::size_t b_low, std::size_t b_high) {
    Block best{a_low, b_low, 0};
    const auto clear = [&](std::vector<std::size_t>& row) {
      std::fill(row.begin() + static_cast<std::ptrdiff_t>(b_low), row.begin() + static_cast<std::ptrdiff_t>(b_high) + 1,
                0);
    };
    clear(m_before);
    for (std::size_t i = a_low; i < a_high; ++i) {
      clear(m_now);
      if (const auto places = m_places.find(m_a[i]); places != m_places.end())
        for (const std::size_t j : places->second) {
          if (j < b_low) continue;
          if (j >= b_high) break;
          const std::size_t size = m_now[j + 1] = m_before[j] + 1;  // runs that end before j + 1
          if (size > best.size) best = {i + 1 - size, j + 1 - size, size};
        }
      std::swap(m_before, m_now);
    }
    while (best.a > a_low && best.b > b_low && m_a[best.a - 1] == m_b[best.b - 1]) {
      --best.a, --best.b;
      ++best.size;
    }
    while (best.a + best.size < a_high && best.b + best.size < b_high &&
           m_a[best.a + best.size] == m_b[best.b + best.size])
      ++best.size;
    return best;
  }

  const Characters &m_a, &m_b;
  std::unordered_map<std::uint32_t, std::vector<std::size_t>> m_places;  // of characters in b, ascending
  std::vector<std::size_t> m_before, m_now;                              // lengths of runs, by end in b
};

std::size_t commonLength(const Characters& a, const Characters& b) {
  std::vector<std::size_t> row(b.size() + 1, 0);
  for (const std::uint32_t character : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = character == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

template <class Matched>
double percent(std::string_view a, std::string_view b, const Matched& matched) {
  if (a == b) return 100;
  const Characters first = charactersOf(a), second = charactersOf(b);
  if (first.empty() || second.empty()) return 0;
  if (first.size() > kMostPairs / second.size())
    fail("edit similarity: texts of {} and {} characters are too long to compare", first.size(), second.size());
  const double ratio =
      2.0 * static_cast<double>(matched(first, second)) / static_cast<double>(first.size() + second.size());
  return std::nearbyint(100 * ratio);  // halves to even, as Python rounds
}

}  // namespace

double ratioByDifflib(std::string_view a, std::string_view b) {
  return percent(a, b, [](const Characters& x, const Characters& y) { return Matching(x, y).matched(); });
}

double ratioByLevenshtein(std::string_view a, std::string_view b) {
  return percent(a, b, commonLength);
}

}  // namespace kvatlas::metrics
