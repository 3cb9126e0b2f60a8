// The attention of one synthetic head in closed form: any row, and every sum over rows and columns without computing
// the rows in between.
//
// The weight of key j for query i is ρ_i · g_j · h(i, j) + v_j(i). g_j is how much token j carries; h is piecewise
// constant: a base value, more within bands of growing distance, more within the query's own document. v is for the few
// tokens that every query attends to (sinks, heavy hitters; g is zero there), and larger for the needle from the
// question's queries. So prefix sums of g, v and of ρ/Z and 1/Z give row sums, column sums and block sums exactly.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/synthetic/document.h"

namespace kvatlas::synthetic {

// Shares of a head's attention in the middle of the prompt.
struct Character {
  double sink = 0, local = 0, document = 0, heavy = 0, rest = 0;
  double needle = 0;        // weight of the needle for the question's queries
  std::uint32_t band = 16;  // tokens of the narrowest band
};

struct HeadPlace {
  std::uint32_t layer = 0, layers = 1, head = 0, kv_head = 0;
  std::uint64_t seed = 0;
};

[[nodiscard]] Character characterOf(const HeadPlace& place);

class HeadModel {
 public:
  // `generated` more tokens follow the prompt and count as part of the question.
  HeadModel(const SyntheticPrompt& prompt, const HeadPlace& place, std::uint32_t generated);

  [[nodiscard]] std::uint32_t tokens() const { return m_tokens; }
  // Probabilities over keys 0 … query; the query may be a generated token.
  void row(std::uint32_t query, float* probabilities) const;
  // [tokens]
  void lse(float* out) const;
  void entropy(float* out) const;
  void received(float* out) const;
  // [n, n]
  void map(std::size_t cell, float* mean, float* max) const;

  static constexpr std::size_t kBands = 3;

 private:
  using Doubles = std::vector<double>;
  struct Steady {  // prefix sums of one row class's v and v·ln v, and v itself
    Doubles value, sum, log_sum;
  };
  struct Cell {
    double mean = 0, max = 0;
  };
  class RangeMax;

  void weighTokens(const SyntheticPrompt& prompt, const HeadPlace& place);
  void normalise(const HeadPlace& place);
  [[nodiscard]] std::size_t classOf(std::uint32_t query) const { return query >= m_question ? 1 : 0; }
  [[nodiscard]] bool constantIn(std::uint32_t r0, std::uint32_t r1, std::uint32_t c0, std::uint32_t c1) const;
  [[nodiscard]] double levelAt(std::uint32_t query, std::uint32_t key) const;
  [[nodiscard]] Cell cutCell(const RangeMax& top, std::uint32_t r0, std::uint32_t r1, std::uint32_t c0,
                             std::uint32_t c1) const;

  // Calls visit(begin, end, level, in_document) for the intervals of [low, high) ⊆ [0, query] with constant h, from
  // right to left; `level` counts the bands that are too narrow to reach.
  template <class Visit>
  void stretches(std::uint32_t query, std::uint32_t low, std::uint32_t high, const Visit& visit) const {
    const std::uint32_t document = m_document[query];
    std::uint32_t right = high;
    for (std::size_t level = 0; level <= kBands && right > low; ++level) {
      const std::uint32_t reach = level == kBands || query + 1 < m_band[level] ? 0 : query + 1 - m_band[level];
      const std::uint32_t left = std::max(reach, low);
      if (left >= right) continue;
      if (const std::uint32_t split = std::max(left, document); split < right) {
        visit(split, right, level, true);
        if (left < split) visit(left, split, level, false);
      } else {
        visit(left, right, level, false);
      }
      right = left;
    }
  }

  std::uint32_t m_tokens, m_total, m_question;
  Character m_character;
  std::array<std::uint32_t, kBands> m_band{};
  std::array<std::array<double, kBands + 1>, 2> m_h{}, m_log_h{};  // [in document][level]
  std::vector<TokenIndex> m_document;                              // [total]
  Doubles m_g, m_g_sum, m_g_log_sum;                               // [total], prefixes [total + 1]
  std::array<Steady, 2> m_v;
  Doubles m_rho, m_log_rho, m_z;     // [total]
  Doubles m_inverse, m_rho_inverse;  // prefixes of 1/Z and ρ/Z over the prompt's queries [tokens + 1]
};

}  // namespace kvatlas::synthetic
