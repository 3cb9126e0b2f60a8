// What the methods score by while a branch decodes, in double precision: every query's attention is kept and summed
// anew.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "capture/session/session.h"
#include "tests/capture/session/naive_session.h"

namespace kvatlas::capture::test {

// A prompt's row as a trace stores it: rounded to a log2 code.
inline double stored(double p) {
  if (p <= 0) return 0;
  const double code = std::clamp(1 + std::round((std::log2(p) + 32) / 32 * 65534), 1.0, 65535.0);
  return std::exp2((code - 1) / 65534 * 32 - 32);
}

// What the methods score by, over all queries so far, of one branch.
class Simulation {
 public:
  Simulation(const Branch& branch, const std::vector<std::vector<Rows>>& prompt, std::uint64_t tokens)
      : m_branch(branch), m_rows(prompt), m_tokens(tokens) {}

  void add(const NaiveStep& step) {
    for (std::size_t layer = 0; layer < m_rows.size(); ++layer)
      for (std::size_t head = 0; head < m_rows[layer].size(); ++head)
        m_rows[layer][head].push_back(step.attention[layer][head]);
  }

  // Of each held token but the last ones, which are always kept; in their order.
  [[nodiscard]] std::vector<double> scores(std::uint32_t layer, std::uint32_t stored_head,
                                           const std::vector<TokenIndex>& held) const {
    const std::string method(m_branch.request.method->name);
    const std::size_t always = method == "tova" || method == "streamingllm" ? 1 : m_branch.setting.window;
    std::vector<double> scores(held.size() - always);
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = score(method, layer, stored_head, held[i]);
    if (method != "snapkv" && method != "pyramidkv") return scores;
    std::vector<double> pooled(scores.size());  // max over 3 neighbours
    for (std::size_t i = 0; i < scores.size(); ++i) {
      pooled[i] = scores[i];
      if (i > 0) pooled[i] = std::max(pooled[i], scores[i - 1]);
      if (i + 1 < scores.size()) pooled[i] = std::max(pooled[i], scores[i + 1]);
    }
    return pooled;
  }

 private:
  // Of the queries from `first` on.
  [[nodiscard]] double received(std::uint32_t layer, std::size_t head, std::size_t first, TokenIndex position,
                                bool rounded) const {
    double sum = 0;
    for (std::size_t query = first; query < m_rows[layer][head].size(); ++query) {
      const std::vector<double>& row = m_rows[layer][head][query];
      if (position < row.size()) sum += rounded && query < m_tokens ? stored(row[position]) : row[position];
    }
    return sum;
  }

  [[nodiscard]] double score(const std::string& method, std::uint32_t layer, std::uint32_t stored_head,
                             TokenIndex position) const {
    if (method == "streamingllm") return position < 2 ? 1e6 : position;
    if (method == "random") return hash(layer, stored_head, position);
    const std::size_t heads = m_rows[layer].size(), queries = m_rows[layer].front().size();
    const std::size_t group = method == "tova" ? heads : heads / m_branch.decision.heads;
    const std::size_t first_head = method == "tova" ? 0 : stored_head * group;
    double sum = 0;
    for (std::size_t head = first_head; head < first_head + group; ++head) {
      if (method == "h2o")
        sum += received(layer, head, 0, position, false);
      else
        sum += received(layer, head, queries - (method == "tova" ? 1 : m_branch.setting.window), position, true);
    }
    return sum / static_cast<double>(group);
  }

  static std::uint64_t mixed(std::uint64_t value) { return mixedBits(value + kRandomStep); }
  static double hash(std::uint32_t layer, std::uint32_t head, TokenIndex position) {
    return static_cast<double>(mixed(mixed(mixed(mixed(0) ^ layer) ^ head) ^ position) >> 40U);
  }

  const Branch& m_branch;
  std::vector<std::vector<Rows>> m_rows;  // [layer][query head][query][position]; what was not held is 0
  std::uint64_t m_tokens;
};

}  // namespace kvatlas::capture::test
