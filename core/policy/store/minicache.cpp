// Two neighbouring layers share the direction of a token's key and value, and keep their lengths (Liu et al.,
// arXiv:2405.14366).
#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

constexpr double kEpsilon = 1e-6;
constexpr std::uint64_t kIndexBytes = 4;  // of a token that stays as it is

constexpr ParameterSpec share(std::string_view name, std::string_view usual, std::string_view meaning) {
  return {.name = name,
          .values = "a number from 0 to 1",
          .default_value = usual,
          .paper_value = usual,
          .meaning = meaning,
          .kind = ParameterKind::Number,
          .lowest = 0,
          .highest = 1,
          .changes_score = false};
}

constexpr ParameterSpec kParameters[] = {
    share("from", "0.5", "share of the layers, the lowest ones, that stay as they are"),
    share("toward", "0.6", "how far the shared direction lies from the lower layer's to the upper one's"),
    share("unmerged", "0.05", "share of the tokens, those whose directions differ most, that stay as they are")};

double lengthOf(std::span<const float> row) {
  double sum = 0;
  for (const float x : row) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::max(std::sqrt(sum), kEpsilon);
}

class LayerPairs final : public StoredForm {
 public:
  LayerPairs(const FormShape& shape, std::uint32_t first_layer, double toward, double unmerged)
      : m_shape(shape), m_first_layer(first_layer), m_toward(toward), m_unmerged(unmerged) {}

  [[nodiscard]] RowRange due(std::size_t, std::uint32_t) const override { return {}; }
  void settle(std::size_t, std::uint32_t, ListEntries) override {}

  [[nodiscard]] std::optional<std::size_t> partnerOf(std::size_t list) const override {
    const std::size_t layer = list / m_shape.heads;
    if (layer <= m_first_layer || (layer - m_first_layer) % 2 == 0) return std::nullopt;
    return list - m_shape.heads;
  }

  void settlePair(std::size_t, std::span<const RowPair> rows, ListEntries lower, ListEntries upper) override {
    const std::size_t shared = share(rows, lower.key, upper.key) + share(rows, lower.value, upper.value);
    const std::lock_guard lock(m_mutex);
    m_shared += shared;
    m_unshared += 2 * rows.size() - shared;
  }

  void erase(std::size_t, std::span<const std::uint32_t>) override {}

  // A shared row has one direction and two lengths.
  [[nodiscard]] std::uint64_t bytes(std::span<const std::uint32_t> rows) const override {
    const std::uint64_t all = std::accumulate(rows.begin(), rows.end(), std::uint64_t{0});
    return 2 * all * m_shape.rowBytes() - m_shared * (m_shape.rowBytes() - 2 * m_shape.element_bytes) +
           m_unshared * kIndexBytes;
  }

 private:
  // Returns how many rows are shared; the others stay as they are.
  std::size_t share(std::span<const RowPair> rows, std::span<float> lower, std::span<float> upper) const {
    const std::size_t d = m_shape.head_dim;
    std::vector<double> angle;
    for (const RowPair& pair : rows) {
      const auto a = lower.subspan(pair.lower * d, d), b = upper.subspan(pair.upper * d, d);
      const double dot = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
      angle.push_back(std::acos(std::clamp(dot / (lengthOf(a) * lengthOf(b)), -1 + kEpsilon, 1 - kEpsilon)));
    }
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return angle[i]; });
    const auto apart = static_cast<std::size_t>(std::ceil(m_unmerged * static_cast<double>(rows.size())));
    for (std::size_t i = std::min(apart, order.size()); i < order.size(); ++i) {
      const RowPair& pair = rows[order[i]];
      turn(lower.subspan(pair.lower * d, d), upper.subspan(pair.upper * d, d), angle[order[i]]);
    }
    return order.size() - std::min(apart, order.size());
  }

  // Both rows get the direction between theirs on the great circle.
  void turn(std::span<float> lower, std::span<float> upper, double angle) const {
    const double below = lengthOf(lower), above = lengthOf(upper), sine = std::sin(angle);
    const bool straight = std::abs(sine) <= kEpsilon;
    const double of_lower = straight ? 1 - m_toward : std::sin((1 - m_toward) * angle) / sine,
                 of_upper = straight ? m_toward : std::sin(m_toward * angle) / sine;
    std::vector<double> direction(lower.size());
    double sum = 0;
    for (std::size_t i = 0; i < direction.size(); ++i) {
      direction[i] = of_lower * lower[i] / below + of_upper * upper[i] / above;
      sum += direction[i] * direction[i];
    }
    const double length = std::max(std::sqrt(sum), kEpsilon);
    for (std::size_t i = 0; i < direction.size(); ++i) {
      lower[i] = static_cast<float>(direction[i] / length * below);
      upper[i] = static_cast<float>(direction[i] / length * above);
    }
  }

  FormShape m_shape;
  std::uint32_t m_first_layer;
  double m_toward, m_unmerged;
  std::mutex m_mutex;
  std::uint64_t m_shared = 0, m_unshared = 0;  // rows of keys and of values that pairs share, and that they do not
};

std::unique_ptr<StoredForm> form(const Setting& setting, const FormShape& shape) {
  const auto first = static_cast<std::uint32_t>(std::ceil(numberParameter(setting, "from") * shape.layers));
  return std::make_unique<LayerPairs>(shape, first, numberParameter(setting, "toward"),
                                      numberParameter(setting, "unmerged"));
}

}  // namespace

StorePart minicacheStore() {
  return {.name = "minicache",
          .meaning = "upper layers in pairs that share the directions of the prompt's keys and values",
          .cost = "a shared pair of rows has one direction and two lengths",
          .parameters = kParameters,
          .form = form,
          .decides_once = true};
}

}  // namespace kvatlas::policy
