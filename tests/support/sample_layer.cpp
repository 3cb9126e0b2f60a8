#include "tests/support/sample_layer.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/log2_codec.h"

namespace kvatlas::test {
namespace {

using trace::LayerRecord;

// Sums and maxima of one head's probabilities over square cells, all levels.
class MapPool {
 public:
  MapPool(std::uint32_t tokens, const std::vector<std::uint64_t>& cells) : m_cells(cells) {
    for (const std::uint64_t cell : cells) {
      const std::size_t side = (tokens + cell - 1) / cell;
      m_sum.emplace_back(side * side, 0.0);
      m_max.emplace_back(side * side, 0.0);
      m_pairs.emplace_back(side * side, 0.0);
      m_side.push_back(side);
    }
  }
  void add(std::uint32_t query, std::uint32_t key, double p) {
    for (std::size_t level = 0; level < m_cells.size(); ++level) {
      const std::size_t at = query / m_cells[level] * m_side[level] + key / m_cells[level];
      m_sum[level][at] += p;
      m_pairs[level][at] += 1;
      m_max[level][at] = std::max(m_max[level][at], p);
    }
  }
  void appendTo(LayerRecord& record) const {
    record.map_mean.resize(m_cells.size());
    record.map_max.resize(m_cells.size());
    for (std::size_t level = 0; level < m_cells.size(); ++level) {
      for (std::size_t at = 0; at < m_sum[level].size(); ++at) {
        const double mean = m_pairs[level][at] > 0 ? m_sum[level][at] / m_pairs[level][at] : 0.0;
        record.map_mean[level].push_back(kernels::encodeLog2(mean));
        record.map_max[level].push_back(kernels::encodeLog2(m_max[level][at]));
      }
    }
  }

 private:
  std::vector<std::uint64_t> m_cells;
  std::vector<std::vector<double>> m_sum, m_max, m_pairs;
  std::vector<std::size_t> m_side;
};

void addHead(LayerRecord& record, const SampleTraceOptions& options, const std::vector<std::uint64_t>& cells,
             const SampleAttention& attention, std::uint32_t head) {
  const std::uint32_t tokens = options.tokens, window_start = tokens - options.window;
  std::vector<double> received(tokens, 0.0), window_sum(tokens, 0.0);
  MapPool pool(tokens, cells);
  for (std::uint32_t i = 0; i < tokens; ++i) {
    double lse = 0, entropy = 0;
    const std::vector<double> p = attention.row(head, i, &lse);
    for (std::uint32_t j = 0; j <= i; ++j) {
      if (options.sliding_window > 0 && i - j >= options.sliding_window) continue;
      received[j] += p[j];
      if (i >= window_start) window_sum[j] += p[j];
      if (p[j] > 0) entropy -= p[j] * std::log(p[j]);
      pool.add(i, j, p[j]);
    }
    record.values[Signal::Lse].push_back(static_cast<float>(lse));
    record.values[Signal::Entropy].push_back(static_cast<float>(entropy));
    if (i < window_start) continue;
    for (std::uint32_t j = 0; j < tokens; ++j)
      record.codes[Signal::WindowRows].push_back(j <= i ? kernels::encodeLog2(p[j]) : std::uint16_t{0});
  }
  record.values[Signal::Received].insert(record.values[Signal::Received].end(), received.begin(), received.end());
  record.values[Signal::WindowSum].insert(record.values[Signal::WindowSum].end(), window_sum.begin(), window_sum.end());
  LayerRecord one;
  pool.appendTo(one);
  for (std::size_t level = 0; level < cells.size(); ++level) {
    record.map_mean[level].insert(record.map_mean[level].end(), one.map_mean[level].begin(), one.map_mean[level].end());
    record.map_max[level].insert(record.map_max[level].end(), one.map_max[level].begin(), one.map_max[level].end());
  }
}

}  // namespace

LayerRecord makeLayer(const SampleTraceOptions& options, const std::vector<std::uint64_t>& cells,
                      const SampleAttention& attention, std::uint32_t layer) {
  LayerRecord record;
  record.layer = LayerIndex(layer);
  record.map_mean.resize(cells.size());
  record.map_max.resize(cells.size());
  for (std::uint32_t head = 0; head < options.query_heads; ++head) addHead(record, options, cells, attention, head);
  record.values[Signal::KeyNorm] = attention.keyNorms();
  std::mt19937 random(options.seed + 77 + layer);
  for (std::size_t i = 0; i < record.values[Signal::KeyNorm].size(); ++i) {
    record.values[Signal::ValueNorm].push_back(
        static_cast<float>((i % options.tokens < 4 ? 0.3 : 2.0) + uniform(random)));
  }
  if (options.keep_qk) {
    record.query = attention.queryBits();
    record.key = attention.keyBits();
  }
  return record;
}

std::vector<std::uint64_t> mapCells(const SampleTraceOptions& options) {
  std::uint64_t cell = 1;
  while ((options.tokens + cell - 1) / cell > options.map_size) cell *= 2;
  std::vector<std::uint64_t> cells = {cell};
  while ((options.tokens + cells.back() - 1) / cells.back() > 64) cells.push_back(cells.back() * 2);
  return cells;
}

}  // namespace kvatlas::test
