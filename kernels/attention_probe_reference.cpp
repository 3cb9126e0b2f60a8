#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/attention_probe.h"
#include "kernels/map_pool.h"
#include "kernels/probe_plan.h"

namespace kvatlas::kernels {

namespace {

// Computes one full row of the matrix at a time, head by head.
class ReferenceHead {
 public:
  ReferenceHead(const ProbeShape& shape, const ProbeInput& input, const ProbeOutput& output, std::size_t head)
      : m_shape(shape),
        m_output(output),
        m_head(head),
        m_query(input.query.from(head * shape.tokens * shape.head_dim)),
        m_key(input.key.from(head / (shape.query_heads / shape.kv_heads) * shape.tokens * shape.head_dim)),
        m_given_lse(input.lse == nullptr ? nullptr : input.lse + head * shape.tokens),
        m_row(shape.tokens),
        m_received(shape.tokens),
        m_window_sum(shape.tokens),
        m_cells(output.cell == 0 ? 0 : (shape.tokens + output.cell - 1) / output.cell),
        m_sum(m_cells * m_cells),
        m_max(m_cells * m_cells) {}

  // The first query with a non-finite logit (or given lse), or −1.
  std::ptrdiff_t run() {
    for (std::size_t query = 0; query < m_shape.tokens; ++query) {
      if (!fillRow(query)) {
        return static_cast<std::ptrdiff_t>(query);
      }
      addRow(query);
    }
    finish();
    return -1;
  }

 private:
  std::size_t firstKey(std::size_t query) const {
    const std::size_t band = m_shape.sliding_window;
    return band > 0 && query + 1 > band ? query + 1 - band : 0;
  }

  bool fillRow(std::size_t query) {
    std::fill(m_row.begin(), m_row.end(), 0.0);
    const std::size_t first = firstKey(query);
    for (std::size_t key = first; key <= query; ++key) {
      double dot = 0;
      for (std::size_t k = 0; k < m_shape.head_dim; ++k) {
        dot += static_cast<double>(m_query[query * m_shape.head_dim + k]) *
               static_cast<double>(m_key[key * m_shape.head_dim + k]);
      }
      if (!std::isfinite(static_cast<float>(dot))) {
        return false;
      }
      m_row[key] = dot * static_cast<double>(m_shape.scale);
    }
    return normaliseRow(query, first);
  }

  bool normaliseRow(std::size_t query, std::size_t first) {
    double lse = 0;
    if (m_given_lse != nullptr) {
      lse = static_cast<double>(m_given_lse[query]);
    } else {
      const double top = *std::max_element(m_row.begin() + static_cast<std::ptrdiff_t>(first),
                                           m_row.begin() + static_cast<std::ptrdiff_t>(query) + 1);
      double sum = 0;
      for (std::size_t key = first; key <= query; ++key) {
        sum += std::exp(m_row[key] - top);
      }
      lse = top + std::log(sum);
    }
    if (!std::isfinite(lse)) {
      return false;
    }
    double entropy = 0;
    for (std::size_t key = first; key <= query; ++key) {
      const double log_p = m_row[key] - lse;
      m_row[key] = std::exp(log_p);
      entropy -= m_row[key] > 0 ? m_row[key] * log_p : 0;
    }
    store(m_output.lse, query, lse);
    store(m_output.entropy, query, entropy);
    return true;
  }

  void store(float* target, std::size_t index, double value) const {
    if (target != nullptr) {
      target[m_head * m_shape.tokens + index] = static_cast<float>(value);
    }
  }

  void addRow(std::size_t query) {
    const bool in_window = query + m_shape.window >= m_shape.tokens;
    for (std::size_t key = firstKey(query); key <= query; ++key) {
      m_received[key] += m_row[key];
      m_window_sum[key] += in_window ? m_row[key] : 0;
      if (m_cells > 0) {
        const std::size_t cell = query / m_output.cell * m_cells + key / m_output.cell;
        m_sum[cell] += m_row[key];
        m_max[cell] = std::max(m_max[cell], m_row[key]);
      }
    }
    if (in_window && m_output.window_rows != nullptr) {
      const std::size_t row = m_head * m_shape.window + query + m_shape.window - m_shape.tokens;
      std::transform(m_row.begin(), m_row.end(), m_output.window_rows + row * m_shape.tokens,
                     [](double p) { return static_cast<float>(p); });
    }
  }

  void finish() const {
    for (std::size_t key = 0; key < m_shape.tokens; ++key) {
      store(m_output.received, key, m_received[key]);
      store(m_output.window_sum, key, m_window_sum[key]);
    }
    const MapGeometry geometry{m_shape.tokens, m_output.cell, m_shape.sliding_window};
    for (std::size_t cell = 0; cell < m_cells * m_cells; ++cell) {
      const std::size_t at = m_head * m_cells * m_cells + cell;
      if (m_output.map_mean != nullptr) {
        const std::size_t pairs = visiblePairs(geometry, cell / m_cells, cell % m_cells);
        m_output.map_mean[at] = pairs == 0 ? 0.0F : static_cast<float>(m_sum[cell] / static_cast<double>(pairs));
      }
      if (m_output.map_max != nullptr) {
        m_output.map_max[at] = static_cast<float>(m_max[cell]);
      }
    }
  }

  const ProbeShape& m_shape;
  const ProbeOutput& m_output;
  std::size_t m_head;
  FloatArray m_query;
  FloatArray m_key;
  const float* m_given_lse;
  std::vector<double> m_row;
  std::vector<double> m_received;
  std::vector<double> m_window_sum;
  std::size_t m_cells;
  std::vector<double> m_sum;
  std::vector<double> m_max;
};

}  // namespace

ProbeReport attentionProbeReference(const ProbeShape& shape, const ProbeInput& input, const ProbeOutput& output) {
  checkProbe(shape, input, output);
  ProbeOutput wanted = output;
  if (output.map_mean == nullptr && output.map_max == nullptr) {
    wanted.cell = 0;
  }
  for (std::size_t head = 0; head < shape.query_heads; ++head) {
    const std::ptrdiff_t bad = ReferenceHead(shape, input, wanted, head).run();
    if (bad >= 0) {
      return {static_cast<std::ptrdiff_t>(head), bad};
    }
  }
  return {};
}

}  // namespace kvatlas::kernels
