#include "kernels/attention_probe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/blocks/probe_block.h"
#include "kernels/map_pool.h"
#include "kernels/parallel.h"
#include "kernels/probe_input_check.h"
#include "kernels/probe_plan.h"

namespace kvatlas::kernels {

namespace {

// One call of attentionProbe: row normalisers, the partial sums of each segment, and the two sweeps that compute them.
class Probe {
 public:
  Probe(const ProbeShape& shape, const ProbeInput& input, const ProbeOutput& output, unsigned threads)
      : m_shape(shape),
        m_input(input),
        m_output(output),
        m_plan(planProbe(shape, output)),
        m_threads(threads),
        m_group(shape.query_heads / shape.kv_heads),
        m_log2_scale(static_cast<float>(static_cast<double>(shape.scale) * std::numbers::log2e)),
        m_cells(wantsMap() ? (shape.tokens + output.cell - 1) / output.cell : 0) {}

  void run() {
    if (!wantsStatistics() && m_output.lse == nullptr) {
      return;
    }
    m_top.resize(rows());
    m_log2_sum.resize(rows());
    if (m_input.lse != nullptr) {
      useGivenLse();
    } else {
      computeNormalisers();
    }
    if (wantsStatistics()) {
      computeStatistics();
    }
  }

 private:
  bool wantsStatistics() const {
    return m_output.received != nullptr || m_output.window_sum != nullptr || m_output.window_rows != nullptr ||
           m_output.entropy != nullptr || wantsMap();
  }
  bool wantsMap() const { return m_output.map_mean != nullptr || m_output.map_max != nullptr; }
  std::size_t rows() const { return m_shape.query_heads * m_shape.tokens; }
  std::size_t partialAt(std::size_t segment, std::size_t head) const {
    return (segment * m_shape.query_heads + head) * m_shape.tokens;
  }

  void useGivenLse() {
    for (std::size_t i = 0; i < rows(); ++i) {
      m_top[i] = static_cast<float>(static_cast<double>(m_input.lse[i]) / static_cast<double>(m_shape.scale));
      m_log2_sum[i] = 0;
    }
    if (m_output.lse != nullptr) {
      std::copy_n(m_input.lse, rows(), m_output.lse);
    }
  }

  // Calls visit(head, block, segment) for every head and key block of every segment. The query heads of a KV head share
  // packed keys. Segments with the most rows come first, so that long tasks start first.
  template <typename Visit>
  void forEachBlock(const Visit& visit) const {
    parallelFor(m_plan.segments * m_shape.kv_heads, m_threads, [&](std::size_t task, unsigned) {
      const std::size_t segment = task / m_shape.kv_heads;
      const std::size_t kv_head = task % m_shape.kv_heads;
      PackedKeys packed(m_plan.block_keys, m_shape.head_dim);
      for (std::size_t span = segment; span < m_plan.spans; span += m_plan.segments) {
        const std::size_t span_end = std::min(m_shape.tokens, (span + 1) * m_plan.span_keys);
        for (std::size_t key = span * m_plan.span_keys; key < span_end; key += m_plan.block_keys) {
          visitBlock(kv_head, segment, key, std::min(span_end, key + m_plan.block_keys), packed, visit);
        }
      }
    });
  }

  template <typename Visit>
  void visitBlock(std::size_t kv_head, std::size_t segment, std::size_t begin, std::size_t end, PackedKeys& packed,
                  const Visit& visit) const {
    const std::size_t matrix = m_shape.tokens * m_shape.head_dim;
    packed.pack(m_input.key.from(kv_head * matrix), begin, end);
    for (std::size_t head = kv_head * m_group; head < (kv_head + 1) * m_group; ++head) {
      ScoreBlock block;
      block.query = m_input.query.from(head * matrix);
      block.packed = &packed;
      block.key_begin = begin;
      block.key_end = end;
      block.tokens = m_shape.tokens;
      block.head_dim = m_shape.head_dim;
      block.sliding_window = m_shape.sliding_window;
      block.log2_scale = m_log2_scale;
      visit(head, segment, block);
    }
  }

  void computeNormalisers() {
    std::vector<float> top(m_plan.segments * rows(), std::numeric_limits<float>::lowest());
    std::vector<float> sum(m_plan.segments * rows());
    forEachBlock([&](std::size_t head, std::size_t segment, const ScoreBlock& scores) {
      const std::size_t at = partialAt(segment, head);
      addNormaliserBlock({scores, top.data() + at, sum.data() + at});
    });
    parallelFor(m_shape.query_heads, m_threads, [&](std::size_t head, unsigned) {
      for (std::size_t row = head * m_shape.tokens; row < (head + 1) * m_shape.tokens; ++row) {
        combineNormaliser(top, sum, row);
      }
    });
  }

  void combineNormaliser(const std::vector<float>& top, const std::vector<float>& sum, std::size_t row) {
    float largest = std::numeric_limits<float>::lowest();
    for (std::size_t segment = 0; segment < m_plan.segments; ++segment) {
      largest = std::max(largest, top[segment * rows() + row]);
    }
    double total = 0;
    for (std::size_t segment = 0; segment < m_plan.segments; ++segment) {
      const std::size_t at = segment * rows() + row;
      if (sum[at] > 0) {
        const double below = static_cast<double>(top[at]) - static_cast<double>(largest);
        total += static_cast<double>(sum[at]) * std::exp2(below * static_cast<double>(m_log2_scale));
      }
    }
    m_top[row] = largest;
    m_log2_sum[row] = static_cast<float>(std::log2(total));
    if (m_output.lse != nullptr) {
      m_output.lse[row] =
          static_cast<float>(static_cast<double>(largest) * static_cast<double>(m_shape.scale) + std::log(total));
    }
  }

  void clearTargets() const {
    const std::size_t map = m_shape.query_heads * m_cells * m_cells;
    if (m_output.map_mean != nullptr) {
      std::fill_n(m_output.map_mean, map, 0.0F);
    }
    if (m_output.map_max != nullptr) {
      std::fill_n(m_output.map_max, map, 0.0F);
    }
    if (m_output.window_rows != nullptr) {
      std::fill_n(m_output.window_rows, m_shape.query_heads * m_shape.window * m_shape.tokens, 0.0F);
    }
  }

  void computeStatistics() {
    clearTargets();
    std::vector<float> exponent_sum(m_plan.segments * rows());
    forEachBlock([&](std::size_t head, std::size_t segment, const ScoreBlock& scores) {
      addStatistics(head, scores, exponent_sum.data() + partialAt(segment, head));
    });
    parallelFor(m_shape.query_heads, m_threads, [&](std::size_t head, unsigned) {
      finishEntropy(head, exponent_sum);
      finishMean(head);
    });
  }

  // Only this task writes a block's keys: the column sums are final, in a fixed order, without partial copies.
  void addStatistics(std::size_t head, const ScoreBlock& scores, float* exponent_sum) const {
    const std::size_t padded = (scores.key_end - scores.key_begin + kPanelKeys - 1) / kPanelKeys * kPanelKeys;
    std::vector<double> received(padded);
    std::vector<double> window_sum(padded);
    StatisticsBlock block{scores};
    block.top = m_top.data() + head * m_shape.tokens;
    block.log2_sum = m_log2_sum.data() + head * m_shape.tokens;
    block.exponent_sum = exponent_sum;
    block.received = received.data();
    block.window_sum = window_sum.data();
    block.window_begin = m_shape.tokens - m_shape.window;
    block.window_rows = offset(m_output.window_rows, head * m_shape.window * m_shape.tokens);
    block.map_sum = offset(m_output.map_mean, head * m_cells * m_cells);
    block.map_max = offset(m_output.map_max, head * m_cells * m_cells);
    block.cell = m_output.cell;
    block.cells = m_cells;
    block.flush_rows = m_plan.flush_rows;
    addStatisticsBlock(block);
    for (std::size_t i = 0; i < scores.key_end - scores.key_begin; ++i) {
      const std::size_t at = head * m_shape.tokens + scores.key_begin + i;
      if (m_output.received != nullptr) {
        m_output.received[at] = static_cast<float>(received[i]);
      }
      if (m_output.window_sum != nullptr) {
        m_output.window_sum[at] = static_cast<float>(window_sum[i]);
      }
    }
  }

  static float* offset(float* base, std::size_t count) { return base == nullptr ? nullptr : base + count; }

  // H = −Σ p ln p: the terms p·y of the second sweep have one sign, so nothing cancels.
  void finishEntropy(std::size_t head, const std::vector<float>& exponent_sum) const {
    if (m_output.entropy == nullptr) {
      return;
    }
    for (std::size_t row = head * m_shape.tokens; row < (head + 1) * m_shape.tokens; ++row) {
      double exponents = 0;
      for (std::size_t segment = 0; segment < m_plan.segments; ++segment) {
        exponents += static_cast<double>(exponent_sum[segment * rows() + row]);
      }
      m_output.entropy[row] = static_cast<float>(std::max(0.0, -exponents * std::numbers::ln2));
    }
  }

  void finishMean(std::size_t head) const {
    if (m_output.map_mean == nullptr) {
      return;
    }
    float* const map = m_output.map_mean + head * m_cells * m_cells;
    for (std::size_t row = 0; row < m_cells; ++row) {
      finishMeanRow(row, map + row * m_cells);
    }
  }

  // Cells left of the diagonal whose pairs are all inside the sliding window share one number of pairs.
  void finishMeanRow(std::size_t row, float* map) const {
    const MapGeometry geometry{m_shape.tokens, m_output.cell, m_shape.sliding_window};
    const TokenRange queries = cellTokens(row, m_output.cell, m_shape.tokens);
    const std::size_t first = firstVisibleKey(queries.end - 1, m_shape.sliding_window);
    const std::size_t whole = std::min(row, (first + m_output.cell - 1) / m_output.cell);
    const auto divide = [&](std::size_t column) {
      const std::size_t pairs = visiblePairs(geometry, row, column);
      map[column] = pairs == 0 ? 0.0F : map[column] / static_cast<float>(pairs);
    };
    for (std::size_t column = 0; column < whole; ++column) {
      divide(column);
    }
    const auto pairs = static_cast<float>((queries.end - queries.begin) * m_output.cell);
    std::transform(map + whole, map + row, map + whole, [pairs](float sum) { return sum / pairs; });
    divide(row);
  }

  const ProbeShape& m_shape;
  const ProbeInput& m_input;
  const ProbeOutput& m_output;
  const ProbePlan m_plan;
  const unsigned m_threads;
  const std::size_t m_group;
  const float m_log2_scale;
  const std::size_t m_cells;
  std::vector<float> m_top;       // [query_heads, N] largest unscaled logit, or lse/scale when given
  std::vector<float> m_log2_sum;  // [query_heads, N]
};

}  // namespace

ProbeReport attentionProbe(const ProbeShape& shape, const ProbeInput& input, const ProbeOutput& output,
                           unsigned threads) {
  checkProbe(shape, input, output);
  const auto rows = static_cast<double>(shape.query_heads * shape.tokens);
  threads = threadsFor(rows * static_cast<double>(shape.tokens * shape.head_dim), threads);
  const ProbeReport report = firstNonFinite(shape, input, threads);
  if (report.ok()) {
    Probe(shape, input, output, threads).run();
  }
  return report;
}

}  // namespace kvatlas::kernels
