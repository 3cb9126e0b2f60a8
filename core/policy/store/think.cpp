// Key channels that the last queries make least of are given up (Xu et al., arXiv:2407.21018).
#include <algorithm>
#include <numeric>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "ratio",
                                          .values = "a number from 0.01 to 0.99",
                                          .default_value = "0.4",
                                          .paper_value = "0.4",
                                          .meaning = "share of the key channels that is given up",
                                          .kind = ParameterKind::Number,
                                          .lowest = 0.01,
                                          .highest = 0.99,
                                          .changes_score = false},
                                         {.name = "whole",
                                          .values = "a whole number from 0 to 65536",
                                          .default_value = "32",
                                          .paper_value = "32",
                                          .meaning = "last kept tokens whose keys stay whole",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 0,
                                          .highest = 65'536,
                                          .changes_score = false}};

class PrunedChannels final : public StoredForm {
 public:
  PrunedChannels(const FormShape& shape, double ratio, std::uint32_t whole)
      : m_shape(shape),
        m_gone(static_cast<std::size_t>(static_cast<double>(shape.head_dim) * ratio)),
        m_whole(whole),
        m_pruned(shape.lists()) {}

  // Once, after the prompt: the keys of all rows say which channels matter.
  [[nodiscard]] RowRange due(std::size_t list, std::uint32_t rows) const override {
    return m_pruned[list] || rows <= m_whole ? RowRange{} : RowRange{0, rows};
  }

  void settle(std::size_t list, std::uint32_t rows, ListEntries entries) override {
    m_pruned[list] = rows - m_whole;
    const std::size_t d = m_shape.head_dim;
    for (const std::size_t channel : leastChannels(list, rows, entries.key))
      for (std::size_t row = 0; row < *m_pruned[list]; ++row) entries.key[row * d + channel] = 0;
  }

  void erase(std::size_t list, std::span<const std::uint32_t> rows) override {
    if (m_pruned[list])
      *m_pruned[list] -= static_cast<std::uint32_t>(std::ranges::lower_bound(rows, *m_pruned[list]) - rows.begin());
  }

  // A mask of the channels belongs to each list that has pruned rows.
  [[nodiscard]] std::uint64_t bytes(std::span<const std::uint32_t> rows) const override {
    std::uint64_t sum = 0;
    for (std::size_t list = 0; list < rows.size(); ++list) {
      const std::uint64_t pruned = m_pruned[list].value_or(0);
      sum += 2 * rows[list] * m_shape.rowBytes() - pruned * m_gone * m_shape.element_bytes;
      if (pruned > 0) sum += (m_shape.head_dim + 7) / 8;
    }
    return sum;
  }

 private:
  // Smallest mean square of the last queries times mean square of the keys, ties to the lowest.
  [[nodiscard]] std::vector<std::size_t> leastChannels(std::size_t list, std::uint32_t rows,
                                                       std::span<const float> key) const {
    const std::size_t d = m_shape.head_dim;
    std::vector<double> score(d);
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t channel = 0; channel < d; ++channel) {
        const double k = key[row * d + channel];
        score[channel] += k * k;
      }
    for (std::size_t channel = 0; channel < d; ++channel)
      score[channel] *= static_cast<double>(m_shape.query_squares[list * d + channel]) / rows;
    std::vector<std::size_t> order(d);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t channel) { return score[channel]; });
    order.resize(m_gone);
    return order;
  }

  FormShape m_shape;
  std::size_t m_gone;  // channels
  std::uint32_t m_whole;
  std::vector<std::optional<std::uint32_t>> m_pruned;  // [lists] rows without them, the first ones
};

std::unique_ptr<StoredForm> form(const Setting& setting, const FormShape& shape) {
  return std::make_unique<PrunedChannels>(shape, numberParameter(setting, "ratio"),
                                          static_cast<std::uint32_t>(integerParameter(setting, "whole")));
}

}  // namespace

StorePart thinkStore() {
  return {.name = "think",
          .meaning = "keys without the channels that the last 32 queries make least of",
          .cost = "a key has 1 - ratio of its numbers; a mask per head",
          .parameters = kParameters,
          .form = form,
          .reads_queries = true};
}

}  // namespace kvatlas::policy
