#include "views/models/items/decode_grid.h"

#include <algorithm>

#include "views/models/map/kept_strip.h"

namespace kvatlas::views {
namespace {

// The number of heads that cache each position; decreases as they evict.
class Holders {
 public:
  Holders(const RunView& view, std::span<const LayerIndex> layers, const std::vector<std::size_t>& heads,
          std::uint64_t positions)
      : m_counts(positions, 0), m_heads(layers.size() * heads.size()) {
    for (const LayerIndex layer : layers)
      for (const std::size_t head : heads) addList(view, layer, head);
  }
  void add(std::uint64_t position) { m_counts[position] = m_heads; }
  void evict(std::uint64_t position) {
    if (position < m_counts.size() && m_counts[position] > 0) --m_counts[position];
  }
  [[nodiscard]] float most(std::uint64_t begin, std::uint64_t end) const {
    const auto at = [this](std::uint64_t i) { return m_counts.begin() + static_cast<std::ptrdiff_t>(i); };
    return static_cast<float>(*std::max_element(at(begin), at(end))) / static_cast<float>(m_heads);
  }

 private:
  void addList(const RunView& view, LayerIndex layer, std::size_t head) {
    if (view.everything())
      for (std::uint64_t i = 0; i < view.tokens; ++i) ++m_counts[i];
    for (const TokenIndex position : view.kept(layer, head))
      if (position < m_counts.size()) ++m_counts[position];
  }

  std::vector<std::size_t> m_counts;
  std::size_t m_heads;
};

}  // namespace

DecodeGrid decodeGrid(const RunView& view, LayerIndex layer, const HeadChoice& heads, std::size_t most_columns) {
  return decodeGrid(view, std::span(&layer, 1), heads, most_columns);
}

DecodeGrid decodeGrid(const RunView& view, std::span<const LayerIndex> layers, const HeadChoice& heads,
                      std::size_t most_columns) {
  const trace::RunRecord& record = view.run.record;
  const std::size_t steps = record.decode_ids.size();
  const std::vector<std::size_t> stored = storedHeadsOf(view, heads);
  DecodeGrid grid;
  if (steps == 0 || stored.empty() || most_columns == 0) return grid;
  const std::uint64_t generated = view.tokens + view.question;
  grid.positions = generated + steps;
  grid.bin = (grid.positions + most_columns - 1) / most_columns;
  const std::size_t columns = (grid.positions + grid.bin - 1) / grid.bin;
  grid.held = ValueGrid::filled(steps, columns, kMasked);
  grid.held.column_span = static_cast<double>(grid.positions) / static_cast<double>(grid.bin);
  Holders holders(view, layers, stored, grid.positions);
  for (std::uint64_t position = view.tokens; position < generated; ++position) holders.add(position);
  auto evicted = record.evicted.begin();
  for (std::size_t step = 0; step < steps; ++step) {
    holders.add(generated + step);
    for (; evicted != record.evicted.end() && evicted->step <= step; ++evicted)
      if (std::ranges::find(layers, LayerIndex(evicted->layer)) != layers.end() &&
          std::ranges::find(stored, std::size_t{evicted->head}) != stored.end())
        holders.evict(evicted->position);
    for (std::size_t column = 0; column * grid.bin <= generated + step; ++column)
      grid.held.at(step, column) =
          holders.most(column * grid.bin, std::min<std::uint64_t>((column + 1) * grid.bin, generated + step + 1));
  }
  return grid;
}

}  // namespace kvatlas::views
