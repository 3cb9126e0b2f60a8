#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/prefill_attention.h"
#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {

namespace {

class ReferenceRow {
 public:
  ReferenceRow(const PrefillShape& shape, const PrefillInput& input, std::size_t head, std::size_t query)
      : m_d(shape.head_dim),
        m_position(shape.tokens - shape.queries + query),
        m_first(firstVisibleKey(m_position, shape.sliding_window)),
        m_query(input.query.from((head * shape.queries + query) * m_d)),
        m_matrix(head / (shape.query_heads / shape.kv_heads) * shape.tokens * m_d) {
    double top = -INFINITY;
    for (std::size_t key = m_first; key <= m_position; ++key) {
      double dot = 0;
      for (std::size_t k = 0; k < m_d; ++k) {
        dot += static_cast<double>(m_query[k]) * static_cast<double>(input.key[m_matrix + key * m_d + k]);
      }
      m_weights.push_back(dot * static_cast<double>(shape.scale));
      top = std::max(top, m_weights.back());
    }
    double sum = 0;
    for (double& weight : m_weights) {
      weight = std::exp(weight - top);
      sum += weight;
    }
    for (double& weight : m_weights) {
      weight /= sum;
    }
    lse = top + std::log(sum);
  }

  [[nodiscard]] double output(FloatArray value, std::size_t column) const {
    double sum = 0;
    for (std::size_t i = 0; i < m_weights.size(); ++i) {
      sum += m_weights[i] * static_cast<double>(value[m_matrix + (m_first + i) * m_d + column]);
    }
    return sum;
  }

  double lse = 0;

 private:
  std::size_t m_d, m_position, m_first;
  FloatArray m_query;
  std::size_t m_matrix;
  std::vector<double> m_weights;
};

}  // namespace

void prefillAttentionReference(const PrefillShape& shape, const PrefillInput& input, const PrefillOutput& output) {
  for (std::size_t head = 0; head < shape.query_heads; ++head) {
    for (std::size_t query = 0; query < shape.queries; ++query) {
      const ReferenceRow row(shape, input, head, query);
      if (output.lse != nullptr) {
        output.lse[head * shape.queries + query] = static_cast<float>(row.lse);
      }
      for (std::size_t column = 0; column < shape.head_dim; ++column) {
        const std::size_t at = (query * shape.query_heads + head) * shape.head_dim + column;
        const auto value = static_cast<float>(row.output(input.value, column));
        if (output.f32 != nullptr) {
          output.f32[at] = value;
        } else {
          output.bf16[at] = bf16Bits(value);
        }
      }
    }
  }
}

}  // namespace kvatlas::kernels
